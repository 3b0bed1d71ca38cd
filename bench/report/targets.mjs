import { CONCURRENCY } from '../sections/rates.mjs';
import { median } from '../statistics.mjs';

const FULL = `at${CONCURRENCY.at(-1)}`;

/**
 * The targets beside what was measured. They are told, not asserted: a slow or busy machine is no fault of the code.
 * @returns {{ name: string, wanted: string, measured: string, pass: boolean }[]}
 */
export function judge({ sections, rates = [], overload = [], growth = [], mail = [], floods }) {
  return [
    ...judgeRates(rates),
    ...judgeOverload(overload),
    ...judgeGrowth(growth),
    ...judgeMail(mail),
    ...(floods ? judgeFloods(floods) : []),
    ...sections.filter(({ state }) => state !== 'complete').map(missing),
  ];
}

function missing({ name, state }) {
  return { name: `${name}: what is not above`, wanted: '', measured: `not measured: ${state}`, pass: false };
}

/** Of the bare reference. */
const SHARE = 0.7;
/** Of better-auth: about what that share was where the targets were set. Where it is less, it is the measure. */
const MULTIPLES = {
  sqlite: { [FULL]: { mint: 20, redeem: 45 }, at1: { mint: 4, redeem: 8 } },
  postgres: { [FULL]: { mint: 10, redeem: 25 }, at1: { mint: 4, redeem: 8 } },
};

/** Round by round: a machine that is slow for a while is so for neighbours of one round, not for all rounds alike. */
function ratioOf(ours, theirs, at, command) {
  const rateOf = (sample) => sample[at][command].rate;
  return median(ours.samples.map((sample, round) => rateOf(sample) / rateOf(theirs.samples[round])));
}

function judgeRates(rates) {
  const find = (id, engine) => rates.find((one) => one.id === id && one.engine === engine);
  const targets = [];
  for (const engine of ['sqlite', 'postgres']) {
    const ours = find('oncelink', engine);
    const bare = find('bare', engine);
    const against = (title, theirs, at, factors, leastOf) => {
      if (!ours || !theirs) return;
      for (const [command, factor] of Object.entries(factors)) {
        const ratio = ratioOf(ours, theirs, at, command);
        const least = Math.min(factor, leastOf?.(command) ?? factor);
        const instead = least < factor ? `; here ${SHARE} of the bare reference are ${least.toFixed(2)} ×` : '';
        targets.push({
          name: `${command} on ${engine}, concurrency ${at.slice(2)}, against ${title}`,
          wanted: `≥ ${factor} ×${instead}`,
          measured: `${ratio.toFixed(2)} ×`,
          pass: ratio >= least,
        });
      }
    };
    for (const at of [FULL, 'at1']) against('the bare reference', bare, at, { mint: SHARE, redeem: SHARE });
    const betterAuth = find('better-auth', engine);
    for (const [at, factors] of Object.entries(MULTIPLES[engine]))
      against(
        'better-auth',
        betterAuth,
        at,
        factors,
        bare && ((command) => SHARE * ratioOf(bare, betterAuth, at, command)),
      );
    if (ours) {
      const { mint, redeem } = ours.median[FULL];
      const delay = Math.max(mint.loopDelayP99, redeem.loopDelayP99);
      targets.push(atMost(`event-loop delay p99 at full load on ${engine}`, 15, delay, 'ms'));
    }
  }
  return targets;
}

function judgeOverload(overload) {
  const targets = [];
  for (const { id, name: where, size, slow, asked, peak, crowd, kept } of overload) {
    if (id !== 'oncelink') continue;
    const name = `good answers on ${where} while ${size} ask, against the most`;
    targets.push({ name, wanted: '≥ 0.9 ×', measured: `${kept.toFixed(2)} ×`, pass: kept >= 0.9 });
    // A quick database cannot be asked for so much by one generator beside it; there, nobody has to be refused.
    if (!slow) continue;
    const times = asked / peak.rate;
    targets.push({
      name: `what is asked for on ${where}, against the most`,
      wanted: '≥ 5 ×',
      measured: `${times.toFixed(1)} ×`,
      pass: times >= 5,
    });
    targets.push(atMost(`the rest is told on ${where}, p99`, 50, crowd.shed.p99, 'ms'));
  }
  return targets;
}

function judgeGrowth(growth) {
  return growth.map(({ engine, rows, kept: { redeem: ratio } }) => {
    const name = `redeem of recent links on ${engine} with ${rows} rows against 1000`;
    return { name, wanted: '≥ 0.9 ×', measured: `${ratio.toFixed(2)} ×`, pass: ratio >= 0.9 };
  });
}

function judgeMail(mail) {
  const targets = [];
  for (const { engine, p50, p99, throughput } of mail) {
    targets.push(atMost(`from the 201 to the relay's RCPT on ${engine}, p50`, 50, p50, 'ms'));
    targets.push(atMost(`from the 201 to the relay's RCPT on ${engine}, p99`, 250, p99, 'ms'));
    const share = throughput.ours.rate / throughput.limit.rate;
    const name = `mails a second on ${engine}, durably settled, against nodemailer's own pool`;
    targets.push({ name, wanted: '≥ 0.7 ×', measured: `${share.toFixed(2)} ×`, pass: share >= 0.7 });
  }
  return targets;
}

/** Asymmetric signatures cannot be checked as quickly as that: they are measured, and not judged. */
const ASYMMETRIC = /ES256|RS256/;
const REFUSALS = 15_000;

function judgeFloods({ gate, http }) {
  const targets = gate
    .filter(({ name }) => !ASYMMETRIC.test(name))
    .map(({ name, rate }) => atLeast(`the gate alone, ${name}, refused in a second of CPU`, REFUSALS, rate));
  for (const { id, engine, floods } of http) {
    if (id !== 'oncelink') continue;
    const reference = http.find((one) => one.id === 'bare' && one.engine === engine)?.floods;
    for (const { name, rate, good } of floods) {
      if (!(rate > 0)) continue;
      targets.push(atMost(`good redemptions on ${engine} while flooded with ${name}, p99`, 250, good.p99, 'ms'));
      targets.push(atLeast(`${name} refused over HTTP on ${engine} by one process meanwhile`, REFUSALS, rate));
      const theirs = reference?.find((one) => one.name === name);
      if (!theirs) continue;
      const ratio = rate / theirs.rate;
      const title = `${name} refused over HTTP on ${engine}, against the bare reference`;
      targets.push({ name: title, wanted: '≥ 0.7 ×', measured: `${ratio.toFixed(2)} ×`, pass: ratio >= 0.7 });
    }
  }
  return targets;
}

function atLeast(name, limit, value) {
  return { name, wanted: `≥ ${limit}/s`, measured: `${value.toFixed(0)}/s`, pass: value >= limit };
}

function atMost(name, limit, value, unit) {
  return { name, wanted: `≤ ${limit} ${unit}`, measured: `${value.toFixed(1)} ${unit}`, pass: value <= limit };
}
