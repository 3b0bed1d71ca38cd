import Fastify, { type FastifyInstance } from 'fastify';
import { devInbox } from '../../src/demo/index.js';
import { Inbox } from '../../src/mail/inbox.js';

const mail = (to: string, subject: string, html: string, text = 'plain'): Parameters<Inbox['receive']>[0] => ({
  from: 'no-reply@localhost',
  to,
  messageId: '<1@localhost>',
  raw: Buffer.from(
    [
      `To: ${to}`,
      `Subject: =?utf-8?B?${Buffer.from(subject).toString('base64')}?=`,
      'MIME-Version: 1.0',
      'Content-Type: multipart/alternative; boundary=b',
      '',
      '--b',
      'Content-Type: text/plain; charset=utf-8',
      '',
      text,
      '--b',
      'Content-Type: text/html; charset=utf-8',
      '',
      html,
      '--b--',
      '',
    ].join('\r\n'),
  ),
});

describe('The dev inbox', () => {
  let app: FastifyInstance;
  let inbox: Inbox;

  beforeEach(async () => {
    inbox = new Inbox();
    app = Fastify();
    await app.register(devInbox, { prefix: '/dev/inbox', inbox });
  });
  afterEach(() => app.close());

  it('says what to do while it is empty', async () => {
    const { statusCode, body } = await app.inject('/dev/inbox');
    expect(statusCode).toBe(200);
    expect(body).toContain('/demo/sign-up');
    expect(body).not.toContain('Clear');
  });

  it('lists the newest first, and those to one address', async () => {
    inbox.receive(mail('ann@example.com', 'First', 'x'));
    inbox.receive(mail('bob@example.com', 'Second', 'x'));
    const { body } = await app.inject('/dev/inbox');
    expect(body.indexOf('Second')).toBeLessThan(body.indexOf('First'));
    const anns = await app.inject('/dev/inbox?to=ann%40example.com');
    expect(anns.body).toContain('First');
    expect(anns.body).not.toContain('Second');
  });

  it('says whom people read it is from, beside the address', async () => {
    const { raw, ...rest } = mail('ann@example.com', 'Hello', 'x');
    inbox.receive({
      ...rest,
      raw: Buffer.concat([Buffer.from('From: "The <b>Shop</b>" <no-reply@localhost>\r\n'), raw]),
    });
    const { items } = (await app.inject('/dev/inbox/mails')).json();
    expect(items[0]).toMatchObject({ from: 'no-reply@localhost', fromName: 'The <b>Shop</b>' });
    for (const path of ['/dev/inbox', `/dev/inbox/${items[0].id}`])
      expect((await app.inject(path)).body).toContain('The &lt;b&gt;Shop&lt;/b&gt; &lt;no-reply<wbr />@localhost&gt;');
  });

  it('gives tests the parsed mails, with every link once', async () => {
    const url = 'http://localhost:3000/l/a.b.c?x=1&y=2';
    inbox.receive(
      mail('ann@example.com', 'Grüße ✓', `<a href="${url.replace('&', '&amp;')}">Go</a>`, `Here (${url}).`),
    );
    inbox.receive(mail('bob@example.com', 'Other', 'x'));
    const { items } = (await app.inject('/dev/inbox/mails?to=ann@example.com')).json();
    expect(items).toEqual([
      expect.objectContaining({ to: 'ann@example.com', from: 'no-reply@localhost', subject: 'Grüße ✓', links: [url] }),
    ]);
    expect(Object.keys(items[0]).sort()).toEqual([
      'from',
      'fromName',
      'html',
      'id',
      'links',
      'purpose',
      'receivedAt',
      'subject',
      'text',
      'to',
    ]);
  });

  it('shows the HTML part as a stranger: sandboxed, no scripts, links in the whole window', async () => {
    inbox.receive(
      mail('ann@example.com', 'Hi', '<html><head></head><body><script>x</script><a href="/y">y</a></body></html>'),
    );
    const { id } = inbox.list()[0]!;
    const page = await app.inject(`/dev/inbox/${id}`);
    expect(page.body).toMatch(
      /<iframe[^>]*sandbox="allow-popups allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation"/,
    );
    const frame = await app.inject(`/dev/inbox/${id}/html`);
    expect(frame.headers['content-security-policy']).toMatch(/default-src 'none'.*sandbox/);
    expect(frame.headers['content-security-policy']).not.toMatch(/script|allow-same-origin/);
    expect(frame.body).toContain('<head><base target="_top">');
  });

  it('shows subject, text and source as text', async () => {
    inbox.receive(mail('ann@example.com', '<img src=x>', 'x', '<b>bold</b> https://example.com/a?b=1&c=2.'));
    const { id } = inbox.list()[0]!;
    for (const view of ['html', 'text', 'source']) {
      const { body } = await app.inject(`/dev/inbox/${id}?view=${view}`);
      expect(body).toContain('&lt;img src=x&gt;');
      expect(body).not.toMatch(/<img|<b>/);
    }
    const { body } = await app.inject(`/dev/inbox/${id}?view=text`);
    expect(body).toContain('<a href="https://example.com/a?b=1&amp;c=2">');
  });

  it('is cleared by its own button only', async () => {
    inbox.receive(mail('ann@example.com', 'Hi', 'x'));
    const clear = (site: string) =>
      app.inject({ method: 'POST', url: '/dev/inbox/clear', headers: { 'sec-fetch-site': site } });
    expect((await clear('cross-site')).statusCode).toBe(403);
    expect(inbox.list()).toHaveLength(1);
    expect((await clear('same-origin')).headers.location).toBe('/dev/inbox');
    expect(inbox.list()).toHaveLength(0);
  });

  it('knows that a mail may be gone', async () => {
    for (const path of ['/dev/inbox/none', '/dev/inbox/none/html'])
      expect((await app.inject(path)).statusCode).toBe(404);
  });
});
