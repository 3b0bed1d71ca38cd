import type { User } from '../users.js';
import { address, html, type Html } from '../web/html.js';
import { field } from './fields.js';
import { layout } from './layout.js';

export const magicLinkPage = ({ email, error }: { email?: string; error?: string }): Html =>
  layout(
    { title: 'Log in with a link' },
    html`<section class="card">
      <h1>Log in with a link</h1>
      <p class="lead">We mail you a link, you press one button, and you are in. No password needed.</p>
      <form method="post" action="/demo/magic-link" class="stack">
        ${field({ name: 'email', label: 'Email address', type: 'email', autocomplete: 'username', value: email, error })}
        <button class="button">Send me a link</button>
      </form>
      <p class="aside"><a href="/demo/log-in">Log in with a password instead</a></p>
    </section>`,
  );

interface Asked {
  email?: string;
  error?: string;
  current?: User;
}

/** The link was opened in a browser that did not ask for it. */
export const thisDevicePage = ({ email, error, current }: Asked): Html =>
  layout(
    { title: 'Sign in on this device?', name: current?.name },
    html`<section class="card">
      <h1>Sign in on this device?</h1>
      <p class="lead">
        The link was asked for in another browser or on another device. If that was you, type the address that the mail
        went to. If not, just close this page.
      </p>
      ${current && html`<p>You are logged in as ${address(current.email)} at the moment; that will end.</p>`}
      <form method="post" action="/demo/signed-in" class="stack">
        ${field({ name: 'email', label: 'Email address', type: 'email', autocomplete: 'username', value: email, error })}
        <button class="button">Sign in here</button>
      </form>
      <p class="aside"><a href="/demo">No, leave it</a></p>
    </section>`,
  );
