import { Reports } from '../../src/links/reports.js';
import { SealedLinkStore } from '../../src/storage/sealed-link-store.js';
import { SealedMessageStore } from '../../src/storage/sealed-message-store.js';
import { dataKeys } from '../support/data-keys.js';
import { APP, openDomain, purposeOf, refusalOf, START, type Domain } from '../support/domain.js';

let domain: Domain;
let reports: Reports;
beforeAll(async () => {
  domain = await openDomain(
    purposeOf('magic-link', { pauseAfterReport: 100 }),
    purposeOf('other', { reissue: 'keep' }),
  );
});
beforeEach(async () => {
  await domain.reset();
  reports = new Reports(domain.store, domain.messages, domain.tokens, domain.purposes, domain.clock.now);
});
afterAll(() => domain.close());

const rowOf = async (id: string) => (await domain.store.find('shop', id))!;
const suppressions = () => domain.messages.listSuppressions('shop', {}, { limit: 10 });

test('looking shows the link, for its own page, for 30 days', async () => {
  const { link } = await domain.mint('magic-link');
  const token = domain.tokens.mintReport(link);
  expect(await reports.look(token)).toEqual(link);
  expect(await reports.look(token, link.id)).toEqual(link);
  expect(await refusalOf(reports.look(token, domain.ids.next()))).toBe('token_invalid');
  expect(await refusalOf(reports.look(domain.tokens.mintLink(link)))).toBe('token_invalid');
  domain.clock.advance(30 * 86_400 - 1);
  expect(await reports.look(token)).toEqual(link);
  domain.clock.advance(1);
  expect(await refusalOf(reports.look(token))).toBe('token_invalid');
});

test('the address that the mail went to ends what is open of this purpose, and pauses it', async () => {
  const recipient = 'Ann@example.com';
  const [{ link: first }, { link }, { link: other }] = [
    await domain.mint('magic-link', { recipient }),
    await domain.mint('magic-link', { recipient }),
    await domain.mint('other', { recipient }),
  ];
  domain.clock.advance(1);
  expect(await reports.report(domain.tokens.mintReport(link), link.id, ' ann@EXAMPLE.com ')).toBe(true);
  expect(await suppressions()).toEqual([
    {
      app: 'shop',
      recipientKey: link.recipientKey,
      purpose: 'magic-link',
      recipient: 'ann@example.com',
      reason: 'reported',
      createdAt: START + 1000,
      until: START + 101_000,
    },
  ]);
  const rows = await Promise.all([first, link, other].map(({ id }) => rowOf(id)));
  expect(rows.map(({ revokedAt, reportedAt }) => [revokedAt, reportedAt])).toEqual([
    [START + 1000, null],
    [START + 1000, START + 1000],
    [null, null],
  ]);
});

test.each([
  ['ann+x@example.com', 'ann+x@example.com', true],
  ['ann+x@example.com', 'ann@example.com', false],
  ['ann@example.com', 'ann+x@example.com', false],
  ['ann@example.com', 'bob@example.com', false],
  ['ann@example.com', 'nobody', false],
  ['ann@example.com', '', false],
])('a mail to %s is reported by %j: %s', async (recipient, typed, expected) => {
  const { link } = await domain.mint('magic-link', { recipient });
  expect(await reports.report(domain.tokens.mintReport(link), link.id, typed)).toBe(expected);
  expect((await suppressions()).map(({ recipientKey }) => recipientKey)).toEqual(
    expected ? [link.addressKey ?? link.recipientKey] : [],
  );
  expect((await rowOf(link.id)).revokedAt).toBe(expected ? START : null);
});

test('what is sealed at rest is reported, too, also when the link has forgotten whom it went to', async () => {
  const [links, messages] = [
    new SealedLinkStore(domain.store, dataKeys('a')),
    new SealedMessageStore(domain.messages, dataKeys('a')),
  ];
  reports = new Reports(links, messages, domain.tokens, domain.purposes, domain.clock.now);
  const recipient = 'ann+x@example.com';
  const { link } = await domain.linksOn(links).mint(APP, domain.body('magic-link', { recipient }));
  const token = domain.tokens.mintReport(link);
  await links.claimDue('lease', domain.clock.time, domain.clock.time + 15_000, 1);
  await links.settle(link.id, 'lease', { status: 'sent', at: domain.clock.time });
  domain.clock.advance(2 * 86_400);
  const times = { wipeBefore: domain.clock.time - 86_400_000, deleteBefore: START, now: domain.clock.time };
  await links.sweep('', times, 10);
  expect((await rowOf(link.id)).recipient).toBeNull();
  expect(await reports.report(token, link.id, 'ann@example.com')).toBe(false);
  expect(await reports.report(token, link.id, recipient)).toBe(true);
  const { link: next } = await domain.linksOn(links).mint(APP, domain.body('magic-link', { recipient }));
  expect(next.delivery.status).toBe('suppressed');
});
