import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { CircuitState } from '../mail/circuit.js';

const LEVELS: Record<CircuitState, number> = { closed: 0, 'half-open': 1, open: 2 };

/** What Prometheus reads. Labels are routes, codes and outcomes: never an id, an address or a token. */
export class Metrics {
  private readonly registry = new Registry();
  private readonly requests = new Histogram({
    name: 'oncelink_http_request_seconds',
    help: 'Duration of HTTP requests by route pattern, method and status',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    registers: [this.registry],
  });
  private readonly problems = new Counter({
    name: 'oncelink_problems_total',
    help: 'Refused requests by problem code',
    labelNames: ['code'],
    registers: [this.registry],
  });
  private readonly mails = new Counter({
    name: 'oncelink_mails_total',
    help: 'Mails by outcome: sent, failed, abandoned, suppressed; and delayed, once per attempt',
    labelNames: ['outcome'],
    registers: [this.registry],
  });

  /** @param circuits the relays and whether mails are tried there */
  constructor(circuits: () => readonly { relay: string; circuit: CircuitState }[]) {
    const gauge = new Gauge({
      name: 'oncelink_relay_circuit',
      help: "A relay's circuit: 0 closed (in use), 1 half-open (one mail tries), 2 open (left alone for a while)",
      labelNames: ['relay'],
      registers: [this.registry],
      collect: () => circuits().forEach(({ relay, circuit }) => gauge.set({ relay }, LEVELS[circuit])),
    });
    collectDefaultMetrics({ register: this.registry });
  }

  observeRequest(method: string, route: string, status: number, seconds: number): void {
    this.requests.observe({ method, route, status }, seconds);
  }

  countProblem(code: string): void {
    this.problems.inc({ code });
  }

  countMail(outcome: string): void {
    this.mails.inc({ outcome });
  }

  get contentType(): string {
    return this.registry.contentType;
  }

  text(): Promise<string> {
    return this.registry.metrics();
  }
}
