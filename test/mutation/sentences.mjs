import { declareValuePlugin, PluginKind } from '@stryker-mutator/api/plugin';

/** Four words or more in one literal are for people to read; no decision hangs on them. */
const SENTENCE = /(?:\S+\s+){3}\S/;

/** Leaves out the mutants that would only empty a message, or a description in the API document. */
const sentences = {
  shouldIgnore({ node, parent }) {
    if (parent?.type === 'CallExpression' && parent.callee.property?.name === 'describe') return 'a description';
    const text =
      node.type === 'StringLiteral'
        ? node.value
        : node.type === 'TemplateLiteral'
          ? node.quasis.map(({ value }) => value.raw).join('…')
          : '';
    return SENTENCE.test(text) ? 'a sentence for people' : undefined;
  },
};

export const strykerPlugins = [declareValuePlugin(PluginKind.Ignore, 'sentences', sentences)];
