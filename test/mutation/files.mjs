/** Files with loops that end only when they are told to. */
export const LOOPS = ['courier', 'gathering'];

const links = (...names) => names.map((name) => `test/links/${name}.spec.ts`);

/** THE MUTANTS: a file of src/links, and the tests that have to notice whatever is changed in it, quickest first. */
export const FILES = {
  tokens: links('tokens'),
  'key-ring': links('key-ring'),
  'jwk-set': links('jwk-set'),
  'weak-keys': links('weak-keys'),
  'new-key': links('new-key'),
  'key-file': links('key-file'),
  'strict-json': links('strict-json'),
  recipient: links('recipient', 'limits'),
  digest: links('digest'),
  link: links('link'),
  errors: links('errors'),
  'link-ids': links('link-ids'),
  'one-time-code': links('one-time-code'),
  limits: links('limits'),
  judgement: links('judgement', 'links.service'),
  requests: links('requests'),
  purpose: links('purpose'),
  'purpose-schema': links('purpose'),
  purposes: links('purpose'),
  draft: links('draft'),
  'links.service': links('links.service'),
  minting: links('minting', 'links.service'),
  'confirm-page': links('confirm-page'),
  renewals: links('renewals'),
  reports: links('reports'),
  notifications: links('notifications'),
  'messages.service': links('messages.service'),
  sweeper: links('sweeper'),
  postman: links('postman'),
  courier: links('courier'),
  gathering: links('gathering'),
  'expected-error': links('expected-error'),
};
