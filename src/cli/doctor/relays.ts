import { createRelay } from '../../mail/transports.js';
import { hush, reasonOf } from '../failure.js';
import { settingsFor } from '../settings-for.js';
import { fail, ok, warn, type Finding } from './finding.js';

/** Greets every relay as the mailer would: TLS, and the log-in if there is one. */
export async function* checkRelays(): AsyncIterable<Finding> {
  const { relays, production } = settingsFor(['relays']);
  if (relays.length === 0) {
    if (!production) yield ok('mail', 'dev inbox');
    return;
  }
  const greetings = await Promise.all(relays.map(greet));
  // The next relay takes over when one cannot be reached; without any, mail waits.
  const report = greetings.every(({ fault }) => fault !== undefined) ? fail : warn;
  for (const { name, tls, keeps, fault } of greetings) {
    // As the last resort, too: what it takes counts as sent.
    if (production && keeps)
      yield fail('mail', `${name} keeps the mail, so nobody gets it; name only relays in SMTP_URL`);
    else
      yield fault === undefined
        ? ok('mail', `${name} greets us${tls ? ' over TLS' : ', on this machine'}`)
        : report('mail', `${name} ${fault}; check SMTP_URL and the way there`);
  }
}

interface Greeting {
  readonly name: string;
  readonly tls: boolean;
  readonly keeps?: true;
  readonly fault?: string;
}

async function greet(relay: string): Promise<Greeting> {
  const transport = createRelay(relay);
  const { name, tls, keeps } = transport;
  try {
    await transport.verify();
    return { name, tls, keeps };
  } catch (error) {
    return { name, tls, keeps, fault: `does not greet us: ${hush(reasonOf(error)).slice(0, 200)}` };
  } finally {
    transport.close();
  }
}
