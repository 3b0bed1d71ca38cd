import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LONGEST_LIFE, MAX_QUOTA_WINDOW, readPurpose, templateDataFaults } from '../../src/links/purpose.js';
import { MAX_QUOTA_COUNT } from '../../src/links/purpose-schema.js';
import { linkPurposes, loadPurposes, notificationPurposes } from '../../src/links/purposes.js';
import { TemplatesError } from '../../src/mail/template-fault.js';

let directory: string;
beforeAll(() => void (directory = mkdtempSync(join(tmpdir(), 'oncelink-purpose-'))));
afterAll(() => rmSync(directory, { recursive: true }));

function read(yaml: string, name = 'invitation') {
  const file = join(directory, 'purpose.yaml');
  writeFileSync(file, yaml);
  return readPurpose(name, file);
}
/** Each fault as `line: member`. */
function faults(yaml: string, name?: string): string[] {
  try {
    read(yaml, name);
    return [];
  } catch (error) {
    if (!(error instanceof TemplatesError)) throw error;
    return error.faults.map(({ line, detail }) => `${line}: ${detail.split(': ')[0]}`);
  }
}

const LIMITS = {
  cooldown: 30,
  perRecipient: [
    { window: 3600, count: 10 },
    { window: 86_400, count: 30 },
  ],
  perSubject: [],
  perClient: [],
};

test('a purpose says how long its links live, and the rest has its defaults', () =>
  expect(read('expiresIn: 10m')).toEqual({
    name: 'invitation',
    kind: 'link',
    expiresIn: { default: 600, min: 1, max: 7 * 86_400 },
    deliverWithin: 600,
    reissue: 'supersede',
    redeemOn: 'app',
    landing: 'hosted',
    codeLifetime: 300,
    binding: 'optional',
    renew: true,
    pauseAfterReport: 86_400,
    oneTimeCode: 'none',
    limits: LIMITS,
    templateData: {},
  }));

test('a purpose may say all of it', () =>
  expect(
    read(`kind: link
expiresIn: { default: 1h, min: 5m, max: 2h }
deliverWithin: 90
reissue: keep
redeemOn: page
landing: hosted
codeLifetime: 10m
binding: required
renew: false
pauseAfterReport: 0
oneTimeCode: screen
limits:
  cooldown: 0
  perRecipient: { 30d: 1 }
  perSubject: { 1h: 2 }
  perClient: { 1d: 3, 1m: 10000 }
templateData:
  inviter: { type: string, required: true }
  seats: { type: number }
`),
  ).toEqual({
    name: 'invitation',
    kind: 'link',
    expiresIn: { default: 3600, min: 300, max: 7200 },
    deliverWithin: 90,
    reissue: 'keep',
    redeemOn: 'page',
    landing: 'hosted',
    codeLifetime: 600,
    binding: 'required',
    renew: false,
    pauseAfterReport: 0,
    oneTimeCode: 'screen',
    limits: {
      cooldown: 0,
      perRecipient: [{ window: 30 * 86_400, count: 1 }],
      perSubject: [{ window: 3600, count: 2 }],
      perClient: [
        { window: 86_400, count: 3 },
        { window: 60, count: 10_000 },
      ],
    },
    templateData: { inviter: { type: 'string', required: true }, seats: { type: 'number', required: false } },
  }));

test('a notification has no link, and so nothing of one', () => {
  expect(read('kind: notification')).toEqual({
    name: 'invitation',
    kind: 'notification',
    deliverWithin: 86_400,
    limits: { ...LIMITS, cooldown: 0 },
    templateData: {},
  });
  const ofLinks = ['expiresIn: 1', 'reissue: keep', 'redeemOn: app', 'landing: app', 'codeLifetime: 1', 'binding: none', 'renew: true', 'pauseAfterReport: 0', 'oneTimeCode: none']; // prettier-ignore
  const named = ofLinks.map((line) => line.split(':')[0]!);
  expect(faults(`kind: notification\n${ofLinks.join('\n')}`)).toEqual(named.map((name, at) => `${at + 2}: ${name}`));
});

describe('what a purpose may say', () => {
  const LIFE = 'expiresIn: 10m\n';
  test.each<[string, string]>([
    ['reissue', 'supersede'],
    ['reissue', 'keep'],
    ['redeemOn', 'app'],
    ['redeemOn', 'page'],
    ['landing', 'hosted'],
    ['landing', 'app'],
    ['binding', 'none'],
    ['binding', 'optional'],
    ['binding', 'required'],
    ['oneTimeCode', 'none'],
    ['oneTimeCode', 'mail'],
  ])('%s: %s', (name, value) => expect(read(`${LIFE}${name}: ${value}`)).toMatchObject({ [name]: value }));

  test.each<[string, string[]]>([
    ['expiresIn: 0', ['1: expiresIn']],
    ['expiresIn: 7d', []],
    ['expiresIn: 8d', ['1: expiresIn']],
    ['expiresIn: { default: 1h, max: 8d }', ['1: expiresIn.max']],
    ['expiresIn: { default: 1h, min: 2h }', ['1: expiresIn']],
    ['expiresIn: { default: 1h, min: 1h, max: 1h }', []],
    ['expiresIn: { default: 3h, max: 2h }', ['1: expiresIn']],
    ['expiresIn: { min: 2h }', ['1: expiresIn']],
    ['expiresIn: soon', ['1: expiresIn']],
    ['reissue: keep', ['1: expiresIn']],
    [`${LIFE}codeLifetime: 11m`, ['2: codeLifetime']],
    [`${LIFE}codeLifetime: 0`, ['2: codeLifetime']],
    [`${LIFE}redeemOn: page\nlanding: app`, ['3: landing']],
    [`${LIFE}oneTimeCode: screen`, ['2: oneTimeCode']],
    [`${LIFE}oneTimeCode: screen\nbinding: required\nlanding: app`, ['2: oneTimeCode']],
    [`${LIFE}reissue: never`, ['2: reissue']],
    [`${LIFE}unknown: 1`, ['2: unknown']],
    [`${LIFE}kind: other`, ['2: kind']],
    [`${LIFE}limits: { perRecipient: { 31d: 1 } }`, ['2: limits.perRecipient.31d']],
    [`${LIFE}limits: { perSubject: { 31d: 1 } }`, ['2: limits.perSubject.31d']],
    [`${LIFE}limits: { perClient: { 2d: 1 } }`, ['2: limits.perClient.2d']],
    [`${LIFE}limits: { perRecipient: { soon: 1, 0s: 1 } }`, ['2: limits.perRecipient.soon', '2: limits.perRecipient.0s']], // prettier-ignore
    [`${LIFE}limits: { perRecipient: { 1h: 0 } }`, ['2: limits.perRecipient.1h']],
    [`${LIFE}limits: { perRecipient: { 1h: ${MAX_QUOTA_COUNT + 1} } }`, ['2: limits.perRecipient.1h']],
    [`${LIFE}limits: { cooldown: soon }`, ['2: limits.cooldown']],
    [`${LIFE}limits: { other: 1 }`, ['2: limits.other']],
    [`${LIFE}templateData: { url: { type: string }, app: { type: string } }`, ['2: templateData.url', '2: templateData.app']], // prettier-ignore
    [`${LIFE}templateData: { a-b: { type: string } }`, ['2: templateData.a-b']],
    [`${LIFE}templateData: { 1a: { type: string } }`, ['2: templateData.1a']],
    [`${LIFE}templateData: { ${'a'.repeat(65)}: { type: string } }`, [`2: templateData.${'a'.repeat(65)}`]],
    [`${LIFE}templateData: { ${'a'.repeat(64)}: { type: boolean }, b_2: { type: number } }`, []],
    [`${LIFE}templateData: { a: { type: date } }`, ['2: templateData.a.type']],
    [`${LIFE}templateData: { a: { type: string, long: true } }`, ['2: templateData.a.long']],
    [`${LIFE}templateData: { a: { type: string, required: 1 } }`, ['2: templateData.a.required']],
    [`expiresIn: 8d\ncodeLifetime: 1h\noneTimeCode: screen`, ['1: expiresIn', '2: codeLifetime', '3: oneTimeCode']],
  ])('%j: %j', (yaml, expected) => expect(faults(yaml)).toEqual(expected));

  const DURATION = 'expected a duration such as 30s, 10m, 24h, 7d or seconds';
  const LIVES = `expiresIn: ${DURATION}; or a default with bounds, such as { default: 30m, min: 5m, max: 24h }`;
  const COUNT = 'expected a whole number from 1 to 10000';
  const COUNTS = 'expected a count for each window, such as { 1h: 10, 1d: 30 }';
  test.each<[string, string]>([
    ['expiresIn: 5parsecs', LIVES],
    ['expiresIn: { min: 1d }', LIVES],
    ['reissue: keep', LIVES],
    [`${LIFE}pauseAfterReport: never`, `pauseAfterReport: ${DURATION}; or 0 for none`],
    [`${LIFE}limits: { cooldown: 1y }`, `limits.cooldown: ${DURATION}; or 0 for none`],
    [`${LIFE}codeLifetime: true`, `codeLifetime: ${DURATION}`],
    [`${LIFE}limits: 5`, 'limits: expected members of its own, name: value'],
    [`${LIFE}limits: { perRecipient: 5 }`, `limits.perRecipient: ${COUNTS}`],
    ...['0', '10001', '1.5', 'ten'].map((count): [string, string] => [`${LIFE}limits: { perClient: { 1h: ${count} } }`, `limits.perClient.1h: ${COUNT}`]), // prettier-ignore
    [`${LIFE}templateData: { foo-bar: { type: string } }`, 'templateData.foo-bar: expected a name of letters, digits and underscores, at most 64, a letter first'], // prettier-ignore
    [`${LIFE}templateData: { a: { type: date } }`, 'templateData.a.type: expected one of string, number, boolean'],
    [`${LIFE}templateData: { a: {} }`, 'templateData.a.type: is missing: expected one of string, number, boolean'],
    [`${LIFE}renew: sometimes`, 'renew: expected true or false'],
    ['- 1', 'expected members of its own, name: value'],
  ])('what is expected is told in plain words: %j', (yaml, message) =>
    expect(() => read(yaml)).toThrow(`:${yaml.split('\n').length} ${message}`),
  );

  test.each([
    ['a', []],
    ['a-1', []],
    ['a'.repeat(40), []],
    ['a'.repeat(41), ['1: the folder must be named in lower-case letters, digits and single dashes, at most 40']],
    ...['A', '-a', 'a-', 'a--b', 'a_b', ''].map((name) => [
      name,
      ['1: the folder must be named in lower-case letters, digits and single dashes, at most 40'],
    ]),
  ] as [string, string[]][])('a folder named %j', (name, expected) => expect(faults(LIFE, name)).toEqual(expected));

  test.each(['magic-link', 'password-reset'])('no %s lives longer than a day', (name) => {
    expect(read('expiresIn: 24h', name)).toMatchObject({ expiresIn: { max: 86_400 } });
    expect(faults('expiresIn: { default: 1h, max: 25h }', name)).toEqual(['1: expiresIn.max']);
  });

  test('is bounded', () => expect([LONGEST_LIFE, MAX_QUOTA_WINDOW, MAX_QUOTA_COUNT]).toEqual([604_800, 2_592_000, 10_000])); // prettier-ignore
});

describe("a caller's variables", () => {
  const purpose = {
    templateData: {
      name: { type: 'string', required: true },
      seats: { type: 'number', required: false },
      note: { type: 'string', required: false },
    },
  } as const;
  const leftOut = 'is required by this purpose, and what looks like an address or a link is left out of mails';
  test.each<[object, [string, string][]]>([
    [{ name: 'Ann', seats: 2 }, []],
    [{ name: 'Ann', seats: null }, []],
    [{ name: '' }, []],
    [{}, [['name', 'is required by this purpose']]],
    [{ name: null }, [['name', 'is required by this purpose']]],
    [{ name: 7 }, [['name', 'must be a string']]],
    [{ name: 'www.evil.example' }, [['name', leftOut]]],
    [{ name: 'Ann', note: 'www.evil.example' }, []],
    [{ name: 'Ann', seats: '2' }, [['seats', 'must be a number']]],
    [{ name: 'Ann', other: 1 }, [['', 'takes only the variables this purpose declares: name, seats, note']]],
    [{ name: 'Ann', toString: 'x' }, [['', 'takes only the variables this purpose declares: name, seats, note']]],
  ])('%j: %j', (given, expected) =>
    expect([...templateDataFaults(purpose, given as Record<string, string>)]).toEqual(expected),
  );

  test('of a purpose that declares none are refused', () =>
    expect([...templateDataFaults({ templateData: {} }, { a: 1 })]).toEqual([
      ['', 'takes only the variables this purpose declares: none'],
    ]));
});

describe('the folder of purposes', () => {
  const folder = (...files: [name: string, yaml: string][]): string => {
    const root = mkdtempSync(join(directory, 'templates-'));
    mkdirSync(join(root, 'purposes'));
    for (const [name, yaml] of files) {
      mkdirSync(join(root, 'purposes', name));
      writeFileSync(join(root, 'purposes', name, 'purpose.yaml'), yaml);
    }
    return root;
  };

  test('is read whole, links and notifications apart', () => {
    const root = folder(['invitation', 'expiresIn: 1h'], ['notice', 'kind: notification']);
    writeFileSync(join(root, 'purposes', 'README.md'), 'not a purpose');
    const all = loadPurposes(root);
    expect([...all.keys()].sort()).toEqual(['invitation', 'notice']);
    expect([...linkPurposes(all)]).toEqual([['invitation', all.get('invitation')]]);
    expect([...notificationPurposes(all)]).toEqual([['notice', all.get('notice')]]);
  });

  test('tells every fault of every file at once', () => {
    const root = folder(['one', 'expiresIn: 8d'], ['two', 'expiresIn: 9d']);
    expect(() => loadPurposes(root)).toThrow(/2 faults[^]*one[^]*two/);
  });

  test('must hold one', () => expect(() => loadPurposes(folder())).toThrow('holds no purpose; add a folder'));
});
