const links = (...names) => names.map((name) => `test/links/${name}.spec.ts`);

/** THE MUTANTS: a file of src/links, and the tests that have to notice whatever is changed in it, quickest first. */
export const FILES = {
  tokens: links('tokens'),
  'key-ring': links('key-ring'),
  'jwk-set': links('jwk-set'),
  'weak-keys': links('weak-keys'),
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
  draft: links('draft'),
  'links.service': links('links.service'),
  minting: links('links.service'),
  'confirm-page': links('confirm-page'),
  renewals: links('renewals'),
  reports: links('reports'),
  notifications: links('notifications'),
};
