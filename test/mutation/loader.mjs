import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

// Hooks of Node's module loader: TypeScript is stripped, and every run of the tests loads sources and tests anew,
// because it is the query of the importing module that is handed on to whatever it imports.
const compiled = new Map();

export async function resolve(specifier, context, next) {
  if (specifier === '@jest/globals') return { url: new URL('jest.mjs', import.meta.url).href, shortCircuit: true };
  if (!specifier.startsWith('.') || !context.parentURL?.includes('?run=')) return next(specifier, context);
  const url = new URL(specifier, context.parentURL);
  if (url.pathname.endsWith('.js')) url.pathname = url.pathname.replace(/\.js$/, '.ts');
  if (!existsSync(fileURLToPath(url))) return next(specifier, context);
  url.search = new URL(context.parentURL).search;
  return { url: url.href, shortCircuit: true };
}

export async function load(url, context, next) {
  const file = url.split('?')[0];
  if (!file.endsWith('.ts')) return next(url, context);
  if (!compiled.has(file)) compiled.set(file, compile(await readFile(fileURLToPath(file), 'utf8')));
  return { format: 'module', source: compiled.get(file), shortCircuit: true };
}

function compile(text) {
  const { outputText } = ts.transpileModule(text, {
    compilerOptions: {
      module: ts.ModuleKind.ESNext,
      target: ts.ScriptTarget.ES2022,
      experimentalDecorators: true,
      emitDecoratorMetadata: true,
    },
  });
  return outputText;
}
