import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import ts from 'typescript';
import { parseDuration } from '../../src/clock.js';
import { PROBLEMS } from '../../src/http/problems.js';
import { lettersFor, linkPurposes, loadPurposes } from '../../src/links/purposes.js';
import type { Purpose } from '../../src/links/purpose.js';
import { readSettings, SETTINGS } from '../../src/settings.js';
import { blocks, plain, README, ROOT, section, table } from './readme.js';

const NONE = '–';

describe('settings', () => {
  const { rows } = table(section('Settings'), 'variable');

  test('the README has every setting with its defaults, in the order of the code', () => {
    const told = rows.map(([name, development, production]) =>
      [name, development, production].map((cell) => plain(cell!)),
    );
    expect(told).toEqual(
      SETTINGS.map(({ name, development = NONE, production }) => [
        name,
        development,
        production === null ? 'required' : (production ?? (development === NONE ? NONE : 'same')),
      ]),
    );
  });

  test('.env.example has every setting with its default in development, commented out', () => {
    const settings = [...envExample().matchAll(/^(.*?)([A-Z][A-Z_]+)=(.*)$/gm)].filter(([, before]) =>
      /^(# )?$/.test(before!),
    );
    expect(settings.map(([, before, name, value]) => [before, name, value])).toEqual(
      SETTINGS.map(({ name, development = '' }) => ['# ', name, development]),
    );
  });

  test('.env.example explains each', () => {
    const paragraphs = envExample().trim().split('\n\n');
    for (const paragraph of paragraphs) expect(paragraph).toMatch(/^# [A-Za-z].*[^=]\n/);
    expect(paragraphs.length).toBeGreaterThan(SETTINGS.length / 2);
  });

  test('uncommented, .env.example is the same as nothing', () => {
    const given = Object.fromEntries(
      [...envExample().matchAll(/^# ([A-Z][A-Z_]+)=(.*)$/gm)].map(([, name, value]) => [name!, value!]),
    );
    expect(Object.keys(given)).toHaveLength(SETTINGS.length);
    expect(comparable(readSettings(given))).toEqual(comparable(readSettings({})));
  });

  function envExample(): string {
    return readFileSync(join(ROOT, '.env.example'), 'utf8');
  }

  /** A key ring is the same if it comes from the same place; its material does not matter here. */
  function comparable(settings: ReturnType<typeof readSettings>): unknown {
    return { ...settings, signingKeys: settings.signingKeys ? 'read' : 'to be made' };
  }
});

test('problems: the README has every code with its status', () => {
  const { rows } = table(section('Problems'), 'code');
  const told = Object.fromEntries(rows.map(([code, status]) => [plain(code!), Number(/^\d+/.exec(status!)?.[0])]));
  expect(told).toEqual(Object.fromEntries(Object.entries(PROBLEMS).map(([code, { status }]) => [code, status])));
  for (const row of rows) expect(row.every((cell) => cell !== '')).toBe(true);
});

describe('purposes', () => {
  const { rows: members } = table(section('Purposes'), 'member of `purpose.yaml`');
  const directories: string[] = [];
  afterAll(() => directories.forEach((directory) => rmSync(directory, { recursive: true })));

  test('the README has every member of a policy, with its default', () => {
    // What a policy that says nothing but how long a link lives turns into.
    const { name: _, expiresIn, limits, ...policy } = purposeOf({ expiresIn: '45m' });
    const defaults: Record<string, unknown> = {
      ...policy,
      ...Object.fromEntries(Object.entries(limits).map(([name, value]) => [`limits.${name}`, value])),
    };
    const told = Object.fromEntries(members.map(([member, fallback]) => [plain(member!), plain(fallback!)]));
    expect(Object.keys(told).sort()).toEqual(['expiresIn', ...Object.keys(defaults)].sort());

    expect(told['expiresIn']).toBe('required');
    expect(() => purposeOf({})).toThrow('expiresIn');
    expect(told['deliverWithin']).toBe('as expiresIn');
    expect(policy.deliverWithin).toBe(expiresIn.default);
    const explained = Object.entries(told).filter(([member]) => !['expiresIn', 'deliverWithin'].includes(member));
    for (const [member, fallback] of explained) {
      const [outer, inner] = member.split('.') as [string, string?];
      const said = purposeOf({ expiresIn: '45m', [outer]: inner ? `{ ${inner}: ${fallback} }` : fallback });
      expect([member, said]).toEqual([member, purposeOf({ expiresIn: '45m' })]);
    }
  });

  test('the README has every choice', () => {
    const withChoices = members.filter(([, , choices]) => /^`[a-z]+`[:,]/.test(choices!));
    expect(withChoices.length).toBeGreaterThan(3);
    for (const [member, fallback, choices] of withChoices) {
      const offered = [...new Set([...choices!.matchAll(/`([a-z]+)`/g)].map(([, choice]) => choice!))];
      expect(offered).toContain(plain(fallback!));
      // The refusal of anything else lists what the code knows.
      const refusal = messageOf(() => purposeOf({ expiresIn: '45m', [plain(member!)]: 'neither' }));
      expect(/one of ([a-z, ]+)$/.exec(refusal)?.[1]!.split(', ').sort()).toEqual(offered.sort());
    }
  });

  test('the README says what the purposes in templates/ say', () => {
    const { headings, rows } = table(section('Purposes'), 'purpose');
    const seconds = (text: string): number => parseDuration(text)!;
    const told = rows.map((row) =>
      Object.fromEntries(row.map((cell, index) => [plain(headings[index]!), plain(cell)])),
    );
    expect(
      told.map(({ expiresIn, 'at most': most, deliverWithin, codeLifetime, ...rest }) => ({
        ...rest,
        expiresIn: seconds(expiresIn!),
        max: seconds(most!),
        deliverWithin: seconds(deliverWithin!),
        codeLifetime: seconds(codeLifetime!),
      })),
    ).toEqual(
      [...linkPurposes(loadPurposes(join(ROOT, 'templates'))).values()]
        .sort((a, b) => (a.name < b.name ? -1 : 1))
        .map(({ name, expiresIn, deliverWithin, reissue, redeemOn, landing, codeLifetime, binding }) => ({
          purpose: name,
          expiresIn: expiresIn.default,
          max: expiresIn.max,
          deliverWithin,
          reissue,
          redeemOn,
          landing,
          codeLifetime,
          binding,
        })),
    );
  });

  test('the README has every variable of a mail', () => {
    const { rows } = table(section('Purposes'), 'variable');
    const told = rows.flatMap(([names]) => names!.split(', ').map(plain));
    const templates = mkdtempSync(join(tmpdir(), 'oncelink-docs-'));
    directories.push(templates);
    cpSync(join(ROOT, 'templates'), templates, { recursive: true });
    const purposes = loadPurposes(templates);
    // The refusal of an unknown variable lists what the code knows: these and the purpose's own.
    for (const purpose of ['magic-link', 'password-changed'])
      appendFileSync(join(templates, `purposes/${purpose}/en/mail.html.hbs`), '{{nonsense}}');
    const refusals = messageOf(() => lettersFor(templates, purposes)).matchAll(
      /unknown variable, nonsense; known are (.*)/g,
    );
    const known = new Set([...refusals].flatMap(([, names]) => names!.split(', ')));
    expect([...told, 'name'].sort()).toEqual([...known].sort());
    const reserved = told.map((name) => name.split('.')[0]!);
    for (const name of reserved) {
      const policy = { expiresIn: '45m', templateData: `{ ${name}: { type: string } }` };
      expect([name, messageOf(() => purposeOf(policy))]).toEqual([
        name,
        expect.stringContaining('every mail already has'),
      ]);
    }
  });

  /** Reads a policy as the service does: from a folder. @throws with every fault in its message */
  function purposeOf(policy: Record<string, string>): Purpose {
    const templates = mkdtempSync(join(tmpdir(), 'oncelink-docs-'));
    directories.push(templates);
    mkdirSync(join(templates, 'purposes', 'errand'), { recursive: true });
    writeFileSync(
      join(templates, 'purposes', 'errand', 'purpose.yaml'),
      Object.entries(policy)
        .map(([name, value]) => `${name}: ${value}\n`)
        .join(''),
    );
    return loadPurposes(templates).get('errand') as Purpose;
  }

  function messageOf(work: () => unknown): string {
    try {
      work();
    } catch (error) {
      return (error as Error).message;
    }
    return '';
  }
});

describe('command line', () => {
  let program: Command;
  beforeAll(async () => {
    program = (await import('../../src/cli/program.js')).createProgram();
  });
  const { rows } = table(section('Command line'), 'command');

  test('the README has every command, and no other', () => {
    expect(rows.map(([command]) => plain(command!)).sort()).toEqual([...commandsOf(program, 'oncelink').keys()].sort());
  });

  test('wherever the README names one, it is a command that takes these options', () => {
    const commands = commandsOf(program, 'oncelink');
    const named = [...README.matchAll(/(?:`|npx )(oncelink [a-z][a-z-]*(?: [a-z][a-z-]*)*)([^`\n]*)/g)];
    expect(named.length).toBeGreaterThan(rows.length);
    for (const [text, words, rest] of named) {
      const [, command] = [...commands].find(([name]) => `${words} `.startsWith(`${name} `)) ?? [];
      expect([text, command !== undefined]).toEqual([text, true]);
      const given = [...rest!.matchAll(/--[a-z-]+/g)].map(([option]) => option);
      const taken = ['--help', ...command!.options.map(({ long }) => long)];
      expect([text, taken]).toEqual([text, expect.arrayContaining(given)]);
    }
  });

  /** Every command that does something, by the words that call it. */
  function commandsOf(command: Command, path: string): Map<string, Command> {
    if (command.commands.length === 0) return new Map([[path, command]]);
    return new Map(command.commands.flatMap((one) => [...commandsOf(one, `${path} ${one.name()}`)]));
  }
});

describe('links within the README', () => {
  const targets = [...README.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target!);
  const headings = README.replace(/^```[^]*?^```$/gm, '').match(/^#+ .*$/gm)!;
  const anchors = headings.map((heading) =>
    plain(heading.replace(/^#+ /, ''))
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );

  test('lead somewhere', () => {
    expect(targets.length).toBeGreaterThan(20);
    const inside = targets.filter((target) => !/^https?:/.test(target));
    expect(
      inside.filter((target) =>
        target.startsWith('#') ? !anchors.includes(target.slice(1)) : !existsSync(join(ROOT, target)),
      ),
    ).toEqual([]);
    expect(new Set(anchors).size).toBe(anchors.length);
  });

  test('the picture of the house shows what is there', () => {
    const [picture] = blocks(section('The house'), '');
    let folder = '';
    for (const line of picture!.split('\n').filter(Boolean)) {
      const [, indent, names] = /^( *)((?:[\w.-]+\/? {1,2})*[\w.-]+\/?)(?: {3,}|$)/.exec(line)!;
      if (indent === '') folder = names!;
      for (const name of names!.split(/ +/))
        expect([line, existsSync(join(ROOT, indent === '' ? '' : folder, name))]).toEqual([line, true]);
    }
  });

  test('paths in the text are there', () => {
    const paths = [...README.matchAll(/`((?:src|test|templates|docs)\/[\w./-]+)`/g)].map(([, path]) => path!);
    expect(paths.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });
});

describe('embedding', () => {
  const text = section('Embedding');
  const options: ts.CompilerOptions = {
    ...ts.parseJsonConfigFileContent(
      ts.readConfigFile(join(ROOT, 'tsconfig.json'), (file) => ts.sys.readFile(file)).config,
      ts.sys,
      ROOT,
    ).options,
    noEmit: true,
    types: ['node'],
    paths: { oncelink: [join(ROOT, 'src/index.ts')], 'oncelink/testing': [join(ROOT, 'src/testing.ts')] },
  };

  test('what the README names is exported', () => {
    const index = ts.createSourceFile(
      'index.ts',
      readFileSync(join(ROOT, 'src/index.ts'), 'utf8'),
      ts.ScriptTarget.ES2023,
    );
    const exported = index.statements.flatMap((statement) => {
      if (ts.isTypeAliasDeclaration(statement)) return [statement.name.text];
      if (!ts.isExportDeclaration(statement) || !statement.exportClause || !ts.isNamedExports(statement.exportClause))
        return [];
      return statement.exportClause.elements.map(({ name }) => name.text);
    });
    const named = [...text.replace(/^```[^]*?^```$/gm, '').matchAll(/`([A-Z][A-Za-z_]+)`/g)].map(([, name]) => name!);
    expect(named.length).toBeGreaterThan(8);
    expect(exported).toEqual(expect.arrayContaining(named));
  });

  test.each([0, 1])(
    'example %i compiles',
    (number) => {
      const example = blocks(text, 'ts')[number];
      const file = join(ROOT, 'example-of-the-readme.ts');
      const host = ts.createCompilerHost(options);
      const real = { ...host };
      host.fileExists = (path) => path === file || real.fileExists(path);
      host.readFile = (path) => (path === file ? example : real.readFile(path));
      host.getSourceFile = (path, language, ...rest) =>
        path === file ? ts.createSourceFile(path, example!, language) : real.getSourceFile(path, language, ...rest);
      const faults = ts.getPreEmitDiagnostics(ts.createProgram([file], options, host));
      expect(faults.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))).toEqual([]);
    },
    120_000,
  );
});
