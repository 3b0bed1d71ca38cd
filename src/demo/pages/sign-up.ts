import { html, type Html } from '../web/html.js';
import { field, type Field } from './fields.js';
import { layout } from './layout.js';

export interface SignUpForm {
  name?: string;
  email?: string;
  errors?: { name?: string; email?: string; password?: string };
}

const FIELDS: (Field & { name: keyof NonNullable<SignUpForm['errors']> })[] = [
  { name: 'name', label: 'Your name', type: 'text', autocomplete: 'name' },
  { name: 'email', label: 'Email address', type: 'email', autocomplete: 'username' },
  {
    name: 'password',
    label: 'Password',
    type: 'password',
    autocomplete: 'new-password',
    hint: 'At least 10 characters.',
  },
];

export function signUpPage({ name, email, errors = {} }: SignUpForm): Html {
  const values = { name, email, password: undefined };
  const first = FIELDS.find((one) => errors[one.name]);
  return layout(
    { title: 'Start a notebook' },
    html`<section class="card">
      <h1>Start a notebook</h1>
      <form method="post" action="/demo/sign-up" class="stack">
        ${FIELDS.map((one) => field({ ...one, value: values[one.name], error: errors[one.name], focus: one === first }))}
        <button class="button">Sign up</button>
      </form>
      <p class="aside">You have one already? <a href="/demo/log-in">Log in</a></p>
    </section>`,
  );
}
