import type { User } from '../users.js';
import { address, html, type Html } from '../web/html.js';
import { layout } from './layout.js';

export const accountPage = (user: User): Html =>
  layout(
    { title: 'Your notebook', name: user.name },
    html`<h1>Hello, ${user.name}</h1>
      ${user.verifiedAt === null && unverified}
      <div class="columns">
        <section class="card">
          <h2>Your account</h2>
          <dl>
            <dt>Email address</dt>
            <dd>
              ${address(user.email)}
              ${user.verifiedAt === null ? html`<span class="tag wait">not verified</span>` : html`<span class="tag good">verified</span>`}
            </dd>
            <dt>Password</dt>
            <dd><a href="/demo/forgot">Change it by mail</a></dd>
          </dl>
        </section>
        <section class="card">
          <h2>Places that pull</h2>
          <ul class="places">
            ${PLACES.map(([place, note]) => html`<li><strong>${place}</strong> ${note}</li>`)}
          </ul>
        </section>
      </div>`,
  );

const unverified = html`<section class="callout" aria-labelledby="verify">
  <div>
    <h2 id="verify">Is this your address?</h2>
    <p>Please open the link in our mail, so that we can reach you when you forget your password.</p>
  </div>
  <form method="post" action="/demo/account"><button class="button quiet">Send it again</button></form>
</section>`;

const PLACES = [
  ['Hallstatt', 'before the first ferry, with fog on the lake'],
  ['Porto', 'the tram that runs along the river to the sea'],
  ['Lofoten', 'a red cabin, and light until midnight'],
] as const;
