import type { User } from '../users.js';
import { html, type Html } from '../web/html.js';
import { field } from './fields.js';
import { layout } from './layout.js';

export const forgotPage = ({ email, error, user }: { email?: string; error?: string; user?: User }): Html =>
  layout(
    { title: user ? CHANGE.title : FORGOT.title, name: user?.name },
    html`<section class="card">
      <h1>${user ? CHANGE.title : FORGOT.title}</h1>
      <p class="lead">${user ? CHANGE.lead : FORGOT.lead}</p>
      <form method="post" action="/demo/forgot" class="stack">
        ${field({ name: 'email', label: 'Email address', type: 'email', autocomplete: 'username', value: email, error })}
        <button class="button">Send me a link</button>
      </form>
      <p class="aside"><a href="${user ? '/demo/account' : '/demo/log-in'}">Back</a></p>
    </section>`,
  );

const FORGOT = {
  title: 'Forgot your password?',
  lead: 'It happens. Tell us your address, and we mail you a link to choose a new one.',
};
/** Who is signed in has forgotten nothing. */
const CHANGE = {
  title: 'Change your password',
  lead: 'We mail you a link to choose a new one. Until then the one you have stays as it is.',
};

interface NewPassword {
  /** The name of the person signed in. */
  name?: string;
  /** Shown where the link was asked for; elsewhere people type it themselves. */
  owner?: string;
  email?: string;
  /** Another address was typed. */
  stranger?: boolean;
  /** What is wrong with the password. */
  error?: string;
}

export const newPasswordPage = ({ name, owner, email, stranger, error }: NewPassword): Html =>
  layout(
    { title: 'Choose a new password', name },
    html`<section class="card">
      <h1>Choose a new password</h1>
      <form method="post" action="/demo/reset" class="stack">
        ${field({
          name: 'email',
          label: owner ? 'For the notebook of' : 'Your email address',
          type: 'email',
          autocomplete: 'username',
          value: owner ?? email,
          readonly: owner !== undefined,
          error: stranger ? 'The mail with this link went to another address.' : undefined,
        })}
        ${field({
          name: 'password',
          label: 'New password',
          type: 'password',
          autocomplete: 'new-password',
          hint: 'At least 10 characters.',
          error,
          focus: error !== undefined && !stranger,
        })}
        <button class="button">Change the password</button>
      </form>
    </section>`,
  );
