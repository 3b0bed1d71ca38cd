import { html, type Html } from '../web/html.js';
import { field } from './fields.js';
import { layout } from './layout.js';

export const logInPage = ({ email, error }: { email?: string; error?: string }): Html =>
  layout(
    { title: 'Log in' },
    html`<section class="card">
      <h1>Welcome back</h1>
      <form method="post" action="/demo/log-in" class="stack">
        ${field({ name: 'email', label: 'Email address', type: 'email', autocomplete: 'username', value: email })}
        ${field({ name: 'password', label: 'Password', type: 'password', autocomplete: 'current-password', error })}
        <button class="button">Log in</button>
      </form>
      <p class="aside"><a href="/demo/forgot">Forgot your password?</a></p>
      <p class="or"><span>or</span></p>
      <p><a class="button quiet" href="/demo/magic-link">Log in with a link by email</a></p>
      <p class="aside">New here? <a href="/demo/sign-up">Start a notebook</a></p>
    </section>`,
  );
