import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import Handlebars from 'handlebars';
import { renderedByShape, type Render } from './shapes.js';
import { TemplateFault } from './template-fault.js';

export type { Render };

/**
 * Handlebars, narrowed to what a mail or page needs: sources are files only, unknown variables are faults, nothing is
 * unescaped in HTML, no helper but `if` and `unless`, no prototype access. Layouts are partials named by their file.
 * One engine renders HTML, another plain text (which must not be escaped: `=` would become `&#x3D;` and break a link).
 */
export class TemplateEngine {
  private readonly handlebars = Handlebars.create();
  private readonly layouts: ReadonlySet<string>;

  constructor(
    private readonly kind: 'html' | 'text',
    layoutsDir: string,
  ) {
    const ending = `.${kind}.hbs`;
    const names = readdirSync(layoutsDir).filter((file) => file.endsWith(ending));
    this.layouts = new Set(names.map((name) => basename(name, ending)));
    for (const name of this.layouts) {
      const file = join(layoutsDir, `${name}${ending}`);
      this.handlebars.registerPartial(name, this.template(readFileSync(file, 'utf8'), file));
    }
  }

  /** @throws TemplateFault */
  compileFile(file: string, variables: ReadonlySet<string>): Render {
    let source: string;
    try {
      source = readFileSync(file, 'utf8');
    } catch {
      throw new TemplateFault(file, 1, 'is missing');
    }
    return this.compile(source, file, variables);
  }

  /**
   * @param variables the paths that will be there, such as `app.name`
   * @param line where the source begins in its file
   * @throws TemplateFault
   */
  compile(source: string, file: string, variables: ReadonlySet<string>, line = 1): Render {
    const render = this.template(source, file, variables, line);
    if (!source.includes('{{')) return () => source;
    return renderedByShape(render, this.kind === 'html' ? Handlebars.escapeExpression : (text) => text);
  }

  private template(
    source: string,
    file: string,
    variables?: ReadonlySet<string>,
    line = 1,
  ): Handlebars.TemplateDelegate {
    const program = parse(source, file, line);
    new Lint(file, line, this.layouts, variables).accept(program);
    return this.handlebars.compile(program, {
      strict: true,
      noEscape: this.kind === 'text',
      knownHelpers: { each: false, with: false, lookup: false, log: false },
      knownHelpersOnly: true,
    });
  }
}

function parse(source: string, file: string, firstLine: number): hbs.AST.Program {
  try {
    return Handlebars.parse(source);
  } catch (error) {
    const { message } = error as Error;
    const [, line = '1'] = /(?:line | - )(\d+)/.exec(message) ?? [];
    throw new TemplateFault(file, firstLine + Number(line) - 1, `is not a valid template: ${reasonOf(message)}`);
  }
}

/** What Handlebars means, without the tokens of its grammar. */
function reasonOf(message: string): string {
  const [, opened, closed] = /^(\S+) doesn't match (\S+) - /.exec(message) ?? [];
  if (closed !== undefined) return `{{/${closed}}} closes what was opened as ${opened}`;
  if (message.endsWith("got 'EOF'")) return 'a block is not closed';
  const [, source = '', pointer = ''] = message.split('\n');
  return `the braces cannot be read after "${source.slice(0, pointer.indexOf('^'))}"`;
}

/** Refuses what the rules forbid, at the line where it stands. */
class Lint extends Handlebars.Visitor {
  /** @param variables undefined for a layout, whose variables are those of the templates that use it */
  constructor(
    private readonly file: string,
    private readonly firstLine: number,
    private readonly layouts: ReadonlySet<string>,
    private readonly variables: ReadonlySet<string> | undefined,
  ) {
    super();
  }

  override MustacheStatement(mustache: hbs.AST.MustacheStatement): void {
    if (!mustache.escaped) this.fault(mustache, 'must not leave a value unescaped ({{{…}}} or {{&…}})');
    if (mustache.params.length > 0 || mustache.hash)
      this.fault(mustache, 'must not call a helper; only if and unless are known');
    super.MustacheStatement(mustache);
  }

  override BlockStatement(block: hbs.AST.BlockStatement): void {
    const name = block.path.original;
    if (name !== 'if' && name !== 'unless') this.fault(block, 'may use no block but if and unless');
    block.params.forEach((param) => this.accept(param));
    if (block.program) this.accept(block.program);
    if (block.inverse) this.accept(block.inverse);
  }

  override SubExpression(expression: hbs.AST.SubExpression): void {
    this.fault(expression, 'must not call a helper; only if and unless are known');
  }

  override Decorator(decorator: hbs.AST.Decorator): void {
    this.fault(decorator, 'must not use decorators');
  }

  override DecoratorBlock(block: hbs.AST.DecoratorBlock): void {
    this.fault(block, 'must not define inline partials');
  }

  override PartialStatement(partial: hbs.AST.PartialStatement): void {
    this.checkPartial(partial);
  }

  override PartialBlockStatement(partial: hbs.AST.PartialBlockStatement): void {
    this.checkPartial(partial);
    this.accept(partial.program);
  }

  private checkPartial(partial: hbs.AST.PartialStatement | hbs.AST.PartialBlockStatement): void {
    if (partial.params.length > 0 || partial.hash) this.fault(partial, 'must not pass anything to a partial');
    const name = 'original' in partial.name ? String(partial.name.original) : 'a computed one';
    const isContent = name === '@partial-block' && this.variables === undefined;
    if (!isContent && !this.layouts.has(name))
      this.fault(partial, `uses an unknown partial, ${name}; known are ${[...this.layouts].join(', ')}`);
  }

  override PathExpression(path: hbs.AST.PathExpression): void {
    if (path.data || path.depth > 0 || path.original.startsWith('this'))
      this.fault(path, 'must name its variables plainly');
    if (this.variables && !this.variables.has(path.original)) {
      this.fault(path, `uses an unknown variable, ${path.original}; known are ${[...this.variables].join(', ')}`);
    }
  }

  private fault(node: hbs.AST.Node, detail: string): never {
    throw new TemplateFault(this.file, this.firstLine + node.loc.start.line - 1, detail);
  }
}
