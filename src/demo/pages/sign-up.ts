import { html, type Html } from '../web/html.js';
import { field } from './fields.js';
import { layout } from './layout.js';

export interface SignUpForm {
  name?: string;
  email?: string;
  errors?: { name?: string; email?: string; password?: string };
}

export const signUpPage = ({ name, email, errors = {} }: SignUpForm): Html =>
  layout(
    { title: 'Start a notebook' },
    html`<section class="card">
      <h1>Start a notebook</h1>
      <form method="post" action="/demo/sign-up" class="stack">
        ${field({ name: 'name', label: 'Your name', type: 'text', autocomplete: 'name', value: name, error: errors.name })}
        ${field({ name: 'email', label: 'Email address', type: 'email', autocomplete: 'username', value: email, error: errors.email })}
        ${field({
          name: 'password',
          label: 'Password',
          type: 'password',
          autocomplete: 'new-password',
          hint: 'At least 10 characters.',
          error: errors.password,
        })}
        <button class="button">Sign up</button>
      </form>
      <p class="aside">You have one already? <a href="/demo/log-in">Log in</a></p>
    </section>`,
  );
