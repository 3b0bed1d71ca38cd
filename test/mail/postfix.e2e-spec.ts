import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import PostalMime from 'postal-mime';
import { eventually, freePort, startService, type TestService } from '../support/service.js';
import { urlIn } from '../support/relay.js';

/** A real mail server, with a configuration, queue and port of its own; nothing of the machine's is touched. */
const missing =
  (process.getuid?.() !== 0 && 'only root can start Postfix') ||
  (!existsSync('/usr/sbin/postfix') && 'Postfix is not installed (apt-get install postfix)') ||
  (!existsSync('/usr/lib/postfix/sbin/master') && 'only the Debian layout of Postfix is known here');

if (missing) {
  console.warn(`SKIPPED: delivery through a real mail server: ${missing}`);
  test.skip('Postfix takes the mail', () => {});
} else {
  describe('Postfix', () => {
    let directory: string;
    let postfix: ChildProcess;
    let service: TestService;
    beforeAll(async () => {
      directory = mkdtempSync(join(tmpdir(), 'postfix-'));
      chmodSync(directory, 0o755);
      const port = await freePort();
      writeConfiguration(directory, port);
      // Makes the queue's folders. Then the daemon itself, as a child of ours that ends when we say so.
      spawnSync('/usr/sbin/postfix', ['-c', directory, 'check'], { stdio: 'ignore', timeout: 30_000 });
      postfix = spawn('/usr/lib/postfix/sbin/master', ['-c', directory, '-d'], { stdio: 'ignore' });
      await eventually(() => {
        if (postfix.exitCode !== null) throw new Error('Postfix ended');
        return greets(port);
      }, 60);
      service = await startService({
        env: { SMTP_URL: `smtp://127.0.0.1:${port}`, MAIL_FROM: 'Example <no-reply@mail.example>' },
      });
    }, 90_000);
    afterAll(async () => {
      await service?.stop();
      if (postfix?.exitCode === null) {
        const ended = new Promise((resolve) => postfix.once('exit', resolve));
        postfix.kill('SIGTERM');
        await ended;
      }
      rmSync(directory, { recursive: true, force: true });
    }, 30_000);

    test('takes the mail and puts it into the mailbox; it parses there, and its link works', async () => {
      const recipient = 'ann@mailbox.example';
      const { id } = (await service.mint({ recipient, templateData: { name: 'Ann Müller' } })).body;
      const inbox = join(directory, 'mailboxes', 'ann', 'new');
      const file = await eventually(() => existsSync(inbox) && readdirSync(inbox)[0], 60);
      const raw = readFileSync(join(inbox, file));
      const mail = await PostalMime.parse(raw);
      expect([mail.messageId, mail.to?.[0]?.address]).toEqual([`<${id}@mail.example>`, recipient]);
      const headers = Object.fromEntries(mail.headers.map(({ key, value }) => [key, value]));
      expect(headers).toMatchObject({ 'return-path': '<no-reply@mail.example>', 'delivered-to': recipient });
      expect(mail.text).toContain('Ann Müller');
      expect(mail.html!.replaceAll('&#x3D;', '=')).toContain(urlIn(mail.text));
      const token = urlIn(mail.text).split('/l/')[1]!;
      const redeemed = await service.api('POST', '/v1/links/redeem', { token, purpose: 'password-reset' });
      expect([redeemed.status, redeemed.body.link.id]).toEqual([200, id]);
      const message = await eventually(async () => {
        const { body } = await service.api('GET', `/v1/messages/${id}`);
        return body.status === 'sent' && body;
      });
      expect(message.attempts).toMatchObject([
        { outcome: 'accepted', reply: expect.stringMatching(/^250 2\.0\.0 Ok/) },
      ]);
    }, 90_000);

    test('knows no such mailbox: one attempt, and the address is suppressed', async () => {
      const recipient = 'nobody@mailbox.example';
      const { id } = (await service.mint({ recipient })).body;
      const message = await eventually(async () => {
        const { body } = await service.api('GET', `/v1/messages/${id}`);
        return body.status === 'failed' && body;
      }, 60);
      expect(message.attempts).toMatchObject([{ outcome: 'refused', reply: expect.stringMatching(/^550 5\.1\.1/) }]);
      await eventually(async () => (await service.mint({ recipient, purpose: 'magic-link' })).body.delivery.status === 'suppressed'); // prettier-ignore
    }, 90_000);
  });
}

/** Whether a mail server answers there. */
function greets(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('data', () => (socket.destroy(), resolve(true)));
    socket.once('error', () => resolve(false));
    socket.setTimeout(2_000, () => (socket.destroy(), resolve(false)));
  });
}

/** Mailboxes for one domain, delivered by Postfix itself; any other recipient is unknown. */
function writeConfiguration(directory: string, port: number): void {
  const path = (name: string): string => join(directory, name);
  for (const name of ['queue', 'data', 'mailboxes']) mkdirSync(path(name));
  const [, uid, gid] = /^postfix:[^:]*:(\d+):(\d+):/m.exec(readFileSync('/etc/passwd', 'utf8'))!.map(Number);
  for (const name of ['data', 'mailboxes']) chownSync(path(name), uid!, gid!);
  writeFileSync(path('mailbox-map'), 'ann@mailbox.example ann/\n');
  writeFileSync(
    path('main.cf'),
    Object.entries({
      compatibility_level: '3.6',
      queue_directory: path('queue'),
      data_directory: path('data'),
      command_directory: '/usr/sbin',
      daemon_directory: '/usr/lib/postfix/sbin',
      maillog_file: path('log'),
      maillog_file_prefixes: directory,
      myhostname: 'mx.mailbox.example',
      mydestination: '',
      mynetworks: '127.0.0.0/8',
      inet_interfaces: '127.0.0.1',
      inet_protocols: 'ipv4',
      default_transport: 'error:nothing leaves this machine',
      relay_transport: 'error:nothing leaves this machine',
      virtual_mailbox_domains: 'mailbox.example',
      virtual_mailbox_base: path('mailboxes'),
      virtual_mailbox_maps: `texthash:${path('mailbox-map')}`,
      virtual_minimum_uid: String(Math.min(uid!, 100)),
      virtual_uid_maps: `static:${uid}`,
      virtual_gid_maps: `static:${gid}`,
      alias_maps: '',
      smtputf8_enable: 'no',
    })
      .map(([name, value]) => `${name} = ${value}\n`)
      .join(''),
  );
  const internal = ['cleanup', 'rewrite:trivial-rewrite', 'bounce', 'defer:bounce', 'trace:bounce', 'verify', 'proxymap', 'error', 'retry:error', 'virtual', 'anvil', 'scache']; // prettier-ignore
  writeFileSync(
    path('master.cf'),
    [
      `127.0.0.1:${port} inet n - n - - smtpd`,
      'qmgr unix n - n 300 1 qmgr',
      'postlog unix-dgram n - n - 1 postlogd',
      ...internal.map((service) => {
        const [name, program = name] = service.split(':');
        return `${name} unix ${name === 'cleanup' ? 'n' : '-'} ${name === 'virtual' ? 'n' : '-'} n - ${name === 'cleanup' ? 0 : '-'} ${program}`;
      }),
    ].join('\n') + '\n',
  );
}
