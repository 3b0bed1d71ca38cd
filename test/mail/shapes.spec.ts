import Handlebars from 'handlebars';
import { renderedByShape } from '../../src/mail/shapes.js';

const SOURCE =
  '{{#if name}}Dear {{name}}{{else}}Hello{{/if}}, {{app.name}}{{#unless app.logo}} without {{app.logo}}{{/unless}}: ' +
  '<a href="{{url}}">{{url}}</a> {{#if urgent}}{{urgent}}{{/if}}';
const direct = Handlebars.compile(SOURCE, { strict: true });

test.each<[string, unknown, unknown, unknown]>([
  ['everything there', 'Ann', 'logo', true],
  ['values that HTML must not take for its own', '<b>"Ann" & \'Bob\'</b>', '`=', 7],
  ['values that look like marks', '\u00010\u0002', '$1 $& %s', '\u00012\u0002'],
  ['nothing there', null, undefined, false],
  ['values that are there and count as none', '', 0, ''],
])('%s: the same text as Handlebars writes, the first time and later', (_what, name, logo, urgent) => {
  const render = renderedByShape(direct, Handlebars.escapeExpression);
  const variables = (url: string) => ({ name, app: { name: 'Shop', logo }, url, urgent });
  for (const url of ['https://a.example/?a=1', 'https://b.example/', 'https://a.example/?a=1'])
    expect(render(variables(url))).toBe(direct(variables(url)));
});

test('a shape is rendered once, and another value is no other shape', () => {
  let rendered = 0;
  const render = renderedByShape((variables) => {
    rendered += 1;
    return direct(variables);
  }, Handlebars.escapeExpression);
  const variables = { name: 'Ann', app: { name: 'Shop', logo: null }, url: 'u', urgent: null };
  for (const name of ['Ann', 'Bob', 'Cy']) expect(render({ ...variables, name })).toContain(`Dear ${name},`);
  expect(rendered).toBe(1);
  expect(render({ ...variables, name: null })).toContain('Hello,');
  expect(rendered).toBe(2);
  for (const logo of [null, 0, false, '', undefined]) {
    const other = { ...variables, app: { name: 'Shop', logo } };
    expect(render(other)).toBe(direct(other));
  }
});

test('a variable that is missing stays a fault', () => {
  const render = renderedByShape(direct, Handlebars.escapeExpression);
  const variables = { name: 'Ann', app: { name: 'Shop', logo: null }, urgent: null };
  for (let time = 0; time < 2; time++) expect(() => render(variables)).toThrow(/url/);
});
