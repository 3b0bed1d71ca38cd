import { randomUUID } from 'node:crypto';

export interface StoredMail {
  readonly id: string;
  readonly receivedAt: Date;
  readonly from: string;
  readonly to: string;
  readonly messageId: string;
  readonly purpose?: string;
  /** the whole message, RFC 5322 */
  readonly raw: Buffer;
}

const KEPT = 500;

/** Keeps the mails of development in memory instead of sending them; the oldest make room. */
export class Inbox {
  private mails: StoredMail[] = [];

  receive(mail: Omit<StoredMail, 'id' | 'receivedAt'>): void {
    this.mails = [{ ...mail, id: randomUUID(), receivedAt: new Date() }, ...this.mails].slice(0, KEPT);
  }

  /** @returns newest first */
  list(): readonly StoredMail[] {
    return this.mails;
  }

  get(id: string): StoredMail | undefined {
    return this.mails.find((mail) => mail.id === id);
  }

  clear(): void {
    this.mails = [];
  }
}
