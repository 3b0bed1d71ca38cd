import { Gathering } from '../../src/links/gathering.js';

const FOREVER = 2 ** 31 - 1;

test('goes on when there are enough', async () => {
  const gathering = new Gathering(FOREVER);
  const went: string[] = [];
  const join = (name: string, enough: number) => gathering.join(enough).then(() => void went.push(name));
  const first = [join('a', 2), join('b', 2)];
  await Promise.all(first);
  expect(went).toEqual(['a', 'b']);
  const [lonely] = [join('c', 2)];
  await join('d', 1);
  await lonely;
  expect(went.slice(2).sort()).toEqual(['c', 'd']);
});

test('goes on without the others after a while, again and again', async () => {
  const gathering = new Gathering(1);
  await gathering.join(2);
  await Promise.all([gathering.join(9), gathering.join(9)]);
});
