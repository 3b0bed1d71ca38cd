import { setTimeout as pause } from 'node:timers/promises';
import { elapsed } from '../clock.js';

export interface LatestMailQuery {
  /** the recipient, as the API reported it */
  readonly to: string;
  readonly purpose?: string;
  /** where Oncelink runs in development; default `http://localhost:3000` */
  readonly baseUrl?: string;
  /** only mails that arrived later: take the time before you ask for one */
  readonly after?: Date;
  /** how long to wait, in ms; default 10 seconds */
  readonly timeout?: number;
}

export interface LatestMail {
  readonly id: string;
  readonly receivedAt: string;
  readonly purpose: string | null;
  readonly from: string;
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  /** every address in the mail, the link first */
  readonly links: readonly string[];
  /** the link to open; null in a notification */
  readonly link: string | null;
}

const PAUSE = 100;

/**
 * For your end-to-end tests: the newest mail to somebody, from the dev inbox of an Oncelink in development. Waits until
 * it is there, and for Oncelink itself, if it is only just starting. @throws Error when none came in time, or what answers
 * is no dev inbox
 */
export async function latestMail(query: LatestMailQuery): Promise<LatestMail> {
  const { to, purpose, baseUrl = 'http://localhost:3000', after, timeout = 10_000 } = query;
  const search = new URLSearchParams({ to, ...(purpose !== undefined && { purpose }) });
  const end = elapsed() + timeout;
  for (;;) {
    const response = await fetch(`${baseUrl.replace(/\/$/, '')}/dev/inbox/mails?${search.toString()}`).catch(
      () => undefined,
    );
    if (response && !response.ok)
      throw new Error(`There is no dev inbox at ${baseUrl}: it answered ${response.status}.`);
    const { items } = (response ? await response.json() : { items: [] }) as { items: Omit<LatestMail, 'link'>[] };
    const mail = items.find(({ receivedAt }) => !after || new Date(receivedAt) > after);
    if (mail) return { ...mail, link: mail.links[0] ?? null };
    if (elapsed() > end) {
      throw new Error(
        response
          ? `No mail${purpose === undefined ? '' : ` of ${purpose}`} to ${to} within ${timeout} ms.`
          : `No Oncelink answered at ${baseUrl} within ${timeout} ms. Start it in development, or say its baseUrl.`,
      );
    }
    await pause(PAUSE);
  }
}
