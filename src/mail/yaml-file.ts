import { existsSync, readFileSync } from 'node:fs';
import { LineCounter, parseDocument } from 'yaml';
import type { z } from 'zod';
import { TemplateFault, TemplatesError } from './template-fault.js';

export interface YamlFile<Value> {
  readonly value: Value;
  /** where a member stands; where a missing one should */
  readonly line: (path: readonly PropertyKey[]) => number;
  /** a fault at the place of a member, for rules that the schema cannot say */
  readonly fault: (path: readonly PropertyKey[], message: string) => TemplateFault;
}

/** Reads a YAML file by a schema. @throws TemplatesError with every fault, each at its line */
export function readYamlFile<Schema extends z.ZodType>(file: string, schema: Schema): YamlFile<z.infer<Schema>> {
  if (!existsSync(file)) throw new TemplateFault(file, 1, 'is missing');
  const lines = new LineCounter();
  const document = parseDocument(readFileSync(file, 'utf8'), { lineCounter: lines, uniqueKeys: true });
  if (document.errors.length > 0) {
    throw new TemplatesError(
      document.errors.map(
        (error) => new TemplateFault(file, error.linePos?.[0].line ?? 1, error.message.split('\n')[0]!),
      ),
    );
  }
  const line = (path: readonly PropertyKey[]): number => {
    for (let depth = path.length; depth > 0; depth--) {
      const node = document.getIn(path.slice(0, depth), true) as { range?: [number, number, number] } | undefined;
      if (node?.range) return lines.linePos(node.range[0]).line;
    }
    return 1;
  };
  const fault = (path: readonly PropertyKey[], message: string): TemplateFault =>
    new TemplateFault(file, line(path), [path.join('.'), message].filter(Boolean).join(': '));

  const parsed = schema.safeParse(document.toJS() ?? {}, { error: inWords });
  if (parsed.success) return { value: parsed.data, line, fault };
  throw new TemplatesError(
    parsed.error.issues.map((issue) =>
      issue.code === 'unrecognized_keys'
        ? fault([...issue.path, issue.keys[0]!], 'is not a known setting')
        : fault(issue.path, issue.message),
    ),
  );
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'a text',
  boolean: 'true or false',
  object: 'members of its own, name: value',
  record: 'members of its own, name: value',
};

/** What is expected, where the schema does not say it itself. */
const inWords: z.core.$ZodErrorMap = (issue) => {
  if (issue.code === 'invalid_key') return issue.issues[0]!.message;
  const missing = issue.input === undefined ? 'is missing: ' : '';
  if (issue.code === 'invalid_type') return `${missing}expected ${TYPES[issue.expected] ?? `a ${issue.expected}`}`;
  if (issue.code === 'invalid_value') return `${missing}expected ${oneOf(issue.values)}`;
  return undefined;
};

function oneOf(values: readonly unknown[]): string {
  return values.length === 1 ? String(values[0]) : `one of ${values.join(', ')}`;
}
