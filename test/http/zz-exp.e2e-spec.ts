import { join } from 'node:path';
import { HandSetClock, startService } from '../support/service.js';
import { lockDatabase } from '../support/sqlite-lock.js';
test('x', async () => {
  const service = await startService({ clock: new HandSetClock() });
  const t0 = Date.now(); const at = () => `${Date.now() - t0}`;
  const links = await Promise.all(Array.from({ length: 10 }, () => service.mintReturned()));
  const unlock = await lockDatabase(join(service.directory, 'oncelink.sqlite'));
  const l: string[] = [];
  const all = Promise.all(links.map(async ({ token }) => { const a = await service.api('POST', '/v1/links/redeem', { token, purpose: 'password-reset' }); l.push(`${at()} ${a.status}`); }));
  await new Promise((r) => setTimeout(r, 8000));
  await unlock(); l.push(at() + ' unlocked');
  await Promise.race([all, new Promise((r) => setTimeout(r, 30000))]); l.push(at() + ' all');
  const stop = service.stop().then(() => l.push(at() + ' stopped'));
  await Promise.race([stop, new Promise((r) => setTimeout(r, 20000))]);
  console.log(l.join('\n'));
}, 90000);
