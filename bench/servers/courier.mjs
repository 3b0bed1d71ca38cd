// One process of the mail throughput: sends COUNT mails to SINK, as fast as it can, and prints how long it took.
// `oncelink` has them in its durable outbox first and settles each; `nodemailer` is the mailer alone, its own pool.
import { randomBytes } from 'node:crypto';
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import { createTransport } from 'nodemailer';

const { DIST, TEMPLATES, DATABASE_URL, SINK, COUNT, MODE } = process.env;
const count = Number(COUNT);
const recipient = (n) => `reader-${n}@example.com`;

const measured = MODE === 'oncelink' ? await oncelink() : await nodemailer();
process.stdout.write(JSON.stringify(measured));
process.exit(0);

async function timed(work) {
  const cpu = process.cpuUsage();
  const start = performance.now();
  await work();
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  return { rate: count / seconds, cpuMicros: (user + system) / count };
}

async function oncelink() {
  const load = (file) => import(pathToFileURL(join(DIST, file)).href);
  const { NestFactory } = await import('@nestjs/core');
  const { StorageModule, MailModule, LinksModule, KeyRing, Links, Courier, LINK_STORE } = await load('index.js');
  const keys = [{ kty: 'oct', alg: 'HS256', kid: 'bench', k: randomBytes(32).toString('base64url') }];
  const app = await NestFactory.createApplicationContext(
    {
      module: class Bench {},
      imports: [
        StorageModule.forRoot({ url: DATABASE_URL, migrate: true }),
        MailModule.forRoot({ relays: [SINK], from: { name: 'Bench', address: 'no-reply@example.com' } }),
        LinksModule.forRoot({
          publicUrl: 'http://localhost:3000',
          signingKeys: KeyRing.fromJwks(JSON.stringify({ keys })),
          templatesDir: TEMPLATES,
          courier: false,
        }),
      ],
    },
    { logger: ['error'] },
  );
  const links = app.get(Links);
  const caller = { id: 'default', name: 'Bench', redirectUris: [] };
  for (let n = 0; n < count; n += 100) {
    await Promise.all(
      Array.from({ length: Math.min(100, count - n) }, (_value, more) =>
        links.mint(caller, { purpose: 'magic-link', recipient: recipient(n + more), subject: `user-${n + more}` }),
      ),
    );
  }
  const store = app.get(LINK_STORE);
  return timed(async () => {
    const courier = app.get(Courier);
    courier.start();
    // Settled is sent: nothing is due, and nothing leased.
    while ((await store.nextDue()) !== null) await new Promise((resolve) => setTimeout(resolve, 10));
  });
}

async function nodemailer() {
  const { hostname: host, port } = new URL(SINK);
  const pool = createTransport({ host, port: Number(port), pool: true, maxConnections: 10, maxMessages: 500 });
  const body = JSON.parse(process.env.LETTER);
  let next = 0;
  const hand = async () => {
    while (next < count) {
      const to = recipient(next++);
      await pool.sendMail({ from: 'Bench <no-reply@example.com>', to, textEncoding: 'quoted-printable', ...body });
    }
  };
  return timed(() => Promise.all(Array.from({ length: 20 }, hand)));
}
