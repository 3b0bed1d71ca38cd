const links = (...names) => names.map((name) => `test/links/${name}.spec.ts`);
const http = (...names) => names.map((name) => `test/http/${name}.e2e-spec.ts`);

/** THE MUTANTS: a file of src/links, and the tests that have to notice whatever is changed in it, quickest first. */
export const FILES = {
  'strict-json': [...links('strict-json', 'tokens'), ...http('bad-input')],
  tokens: links('tokens'),
  'key-ring': links('jwk-set', 'key-file', 'tokens'),
  'jwk-set': links('jwk-set', 'tokens'),
  recipient: [...links('recipient'), ...http('bad-input')],
  'link-ids': links('link-ids'),
  'one-time-code': [...links('one-time-code'), ...http('one-time-code')],
  limits: [...links('limits'), ...http('mint')],
  judgement: http('redeem', 'pages', 'one-time-code'),
  requests: http('bad-input', 'mint', 'links'),
  digest: http('redeem', 'mint'),
  link: http('redeem', 'mint', 'links', 'mail'),
  draft: http('mint', 'bad-input', 'mail'),
  'confirm-page': http('pages', 'one-time-code'),
  'links.service': http('redeem', 'mint', 'links', 'problems'),
  courier: http('mail'),
};
