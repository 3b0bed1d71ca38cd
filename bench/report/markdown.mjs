import { CONCURRENCY } from '../sections/rates.mjs';
import { median } from '../statistics.mjs';
import { SUBJECTS } from '../subjects/index.mjs';
import { floodTables } from './floods.mjs';
import { ms, table, whole } from './table.mjs';

/** The whole report as Markdown. */
export function toMarkdown({ machine, options, sections, rates, overload, growth, mail, floods, targets, date }) {
  return [
    `# Benchmark of ${date}`,
    paragraph(
      `${machine.cpu}, ${machine.cores} cores shared by the server, its database and the load generator; ${machine.memoryGiB} GiB; Node ${machine.node}, PostgreSQL ${machine.postgres} (fsync and synchronous_commit on), SQLite ${machine.sqlite} (better-sqlite3: ${machine.sqliteOfBetterSqlite3}).`,
      `Load average at the start ${machine.loadAverageAtStart.join(', ')}.`,
      options.quick
        ? '**Quick run: the figures are worth little.**'
        : `Medians of ${options.rounds} alternating rounds: of rates each with a new process and an empty database, of overload against one server, of growth on new copies; mail and floods are one series each.`,
      rates && foreign(rates),
      `Sections: ${sections.map(progress).join('; ')}.`,
    ),
    rates && ratesTable(rates),
    overload && overloadTable(overload),
    growth && growthTable(growth),
    mail && mailTable(mail),
    floods && floodTables(floods),
    targets.length > 0 && targetsTable(targets),
    rates && notes(rates),
    `Versions: ${Object.entries(machine.packages)
      .map(([name, version]) => `${name} ${version}`)
      .join(', ')}.`,
  ]
    .filter(Boolean)
    .join('\n\n')
    .concat('\n');
}

function progress({ name, state, minutes, message }) {
  if (state === 'not begun') return `${name} ${state}`;
  const text = `${name} ${state} after ${minutes.toFixed(1)} min`;
  return state === 'complete' ? text : `**${text}${message ? ` (${oneLine(message)})` : ''}**`;
}

/** Whether the figures can be trusted. */
function foreign(rates) {
  const busy = rates.flatMap(({ samples }) => samples.map(({ busyBefore }) => busyBefore * 100));
  const [middle, most] = [median(busy), Math.max(...busy)];
  const warning = middle > 5 ? ' **The machine was not quiet: compare with care.**' : '';
  return `Other processes had ${whole(middle)} % of the cores (median of a look before each sample; at most ${whole(most)} %).${warning}`;
}

function ratesTable(rates) {
  const head = [
    'subject',
    'engine',
    'conc.',
    'mint/s',
    'redeem/s',
    'mint p50 / p99 ms',
    'redeem p50 / p99 ms',
    'CPU µs mint / redeem',
    'DB CPU µs mint / redeem',
    'loop delay p99 ms',
    'MB rest / peak',
    'start ms',
    'let in of 20',
    'failed',
  ];
  const rows = rates.flatMap((one) => CONCURRENCY.map((concurrency, index) => ratesRow(one, concurrency, index === 0)));
  return table(head, rows);
}

function ratesRow({ title, engine, median: typical, letIn, samples }, concurrency, isFirst) {
  const { mint, redeem } = typical[`at${concurrency}`];
  const failed = samples
    .flatMap((sample) => Object.values(sample[`at${concurrency}`]))
    .reduce((sum, one) => sum + one.requests - one.good, 0);
  return [
    isFirst ? title : '',
    isFirst ? engine : '',
    concurrency,
    whole(mint.rate),
    whole(redeem.rate),
    `${ms(mint.p50)} / ${ms(mint.p99)}`,
    `${ms(redeem.p50)} / ${ms(redeem.p99)}`,
    `${whole(mint.cpuMicros)} / ${whole(redeem.cpuMicros)}`,
    mint.databaseCpuMicros === null ? '–' : `${whole(mint.databaseCpuMicros)} / ${whole(redeem.databaseCpuMicros)}`,
    ms(Math.max(mint.loopDelayP99, redeem.loopDelayP99)),
    isFirst ? `${megabytes(typical.residentAtRest)} / ${megabytes(typical.residentAtPeak)}` : '',
    isFirst ? whole(typical.startedIn) : '',
    isFirst ? range(letIn) : '',
    failed,
  ];
}

function overloadTable(overload) {
  const head = [
    'mints',
    'where',
    'callers',
    'asked/s',
    'good/s',
    'of the most',
    'CPU µs',
    'loop delay p99 ms',
    'all p50 / p99 ms',
    'shed',
    'shed p50 / p99 ms',
  ];
  const row = (title, where, callers, asked, kept, { rate, cpuMicros, loopDelayP99, p50, p99, shed }) => [
    title,
    where,
    callers,
    whole(asked),
    whole(rate),
    kept,
    whole(cpuMicros),
    whole(loopDelayP99),
    `${ms(p50)} / ${ms(p99)}`,
    whole(shed.answers),
    shed.answers === 0 ? '–' : `${ms(shed.p50)} / ${ms(shed.p99)}`,
  ];
  const rows = overload.flatMap(({ title, name, callers, size, asked, kept, peak, crowd }) => [
    row(title, name, callers, peak.rate, '', peak),
    row('', '', `${size}, who ask for ${(asked / peak.rate).toFixed(1)} ×`, asked, `${kept.toFixed(2)} ×`, crowd),
  ]);
  return table(head, rows);
}

function growthTable(growth) {
  const head = [
    'Oncelink, concurrency 50',
    'rows',
    'mint/s',
    'redeem/s of recent links',
    'of few',
    'CPU µs',
    'DB CPU µs',
  ];
  const row = (engine, count, { mint, redeem }, kept) => [
    engine,
    count,
    whole(mint.rate),
    whole(redeem.rate),
    kept && `${kept.mint.toFixed(2)} × / ${kept.redeem.toFixed(2)} ×`,
    `${whole(mint.cpuMicros)} / ${whole(redeem.cpuMicros)}`,
    mint.databaseCpuMicros === null ? '–' : `${whole(mint.databaseCpuMicros)} / ${whole(redeem.databaseCpuMicros)}`,
  ];
  const rows = growth.flatMap(({ engine, rows: count, few, many, kept }) => [
    row(engine, 1000, few, ''),
    row('', count, many, kept),
  ]);
  return table(head, rows);
}

function mailTable(mail) {
  const waits = table(
    ["Oncelink, from the 201 to the relay's RCPT", 'mails', 'p50 ms', 'p99 ms', 'max ms'],
    mail.map(({ engine, mails, p50, p99, max }) => [engine, mails, ms(p50), ms(p99), ms(max)]),
  );
  const rates = table(
    ['out of a full outbox', 'mails', 'mails/s', 'CPU µs per mail', "nodemailer's pool, mails/s", 'CPU µs per mail'],
    mail.map(({ engine, throughput: { count, ours, limit } }) => [
      engine,
      String(count),
      ...[ours.rate, ours.cpuMicros, limit.rate, limit.cpuMicros].map((value) => value.toFixed(0)),
    ]),
  );
  return `${waits}\n${rates}`;
}

function targetsTable(targets) {
  const met = targets.filter(({ pass }) => pass).length;
  return table(
    ['target', 'wanted', 'measured', `${met} of ${targets.length} met`],
    targets.map(({ name, wanted, measured, pass }) => [name, wanted, measured, pass ? 'met' : '**missed**']),
  );
}

function notes(rates) {
  const seen = SUBJECTS.filter(({ id }) => rates.some((one) => one.id === id));
  const general =
    'Rates count good answers only. “CPU” is user + system time of the server process per request, “DB CPU” that of all PostgreSQL processes. “Let in of 20”: how many of 20 simultaneous redemptions of one token succeeded.';
  return [general, ...seen.map(({ title, note }) => `- **${title}**: ${note}`)].join('\n');
}

function paragraph(...sentences) {
  return sentences.filter(Boolean).join(' ');
}

function oneLine(text) {
  return text.replace(/\s+/g, ' ').trim();
}

function megabytes(bytes) {
  return String(Math.round(bytes / 1e6));
}

function range(counts) {
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  return least === most ? String(least) : `${least} to ${most}`;
}
