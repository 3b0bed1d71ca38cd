import type { User } from '../users.js';
import { html, type Html } from '../web/html.js';
import { layout } from './layout.js';

export const homePage = ({ user }: { user?: User }): Html =>
  layout(
    { title: 'A travel notebook', name: user?.name },
    html`<section class="hero">
        <div>
          <h1>For the places that keep calling</h1>
          <p class="lead">Fernweh is a notebook for journeys you have made and those you still dream of.</p>
          <p class="actions">${user ? openNotebook : begin}</p>
        </div>
        ${picture}
      </section>
      <section class="ways" aria-labelledby="try">
        <h2 id="try">What there is to try</h2>
        <ol>
          <li>
            <h3><a href="/demo/sign-up">Sign up</a></h3>
            <p>Confirm your address with the link in the mail.</p>
          </li>
          <li>
            <h3><a href="/demo/magic-link">Log in with a link</a></h3>
            <p>Open it in another browser too: it asks first.</p>
          </li>
          <li>
            <h3><a href="/demo/forgot">Forget your password</a></h3>
            <p>The link is used up only with the new one.</p>
          </li>
        </ol>
      </section>`,
  );

const begin = html`<a class="button" href="/demo/sign-up">Start a notebook</a>
  <a class="button quiet" href="/demo/log-in">Log in</a>`;
const openNotebook = html`<a class="button" href="/demo/account">Open your notebook</a>`;

const picture = html`<svg class="picture" viewBox="0 0 400 300" aria-hidden="true" focusable="false">
  <rect class="sky" width="400" height="300" />
  <circle class="sun" cx="226" cy="96" r="36" />
  <path class="far" d="M0 190 70 120l48 46 62-82 78 92 52-44 90 78v90H0z" />
  <path class="mid" d="M0 222c60-40 108-34 160-8s104 30 240-22v108H0z" />
  <path class="near" d="M0 258c90-34 190-26 400 4v38H0z" />
  <path class="route" d="M44 278c30-34 84-10 112-34s6-50 46-60 50 22 84-6" />
  <circle class="dot" cx="44" cy="278" r="5" />
  <path class="pin" d="M286 178c-11-14-17-22-17-31a17 17 0 0 1 34 0c0 9-6 17-17 31z" />
  <circle class="eye" cx="286" cy="147" r="6" />
</svg>`;
