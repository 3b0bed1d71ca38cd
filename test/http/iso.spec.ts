import { iso } from '../../src/http/link.resource.js';

test.each([
  [0, '1970-01-01T00:00:00.000Z'],
  [1, '1970-01-01T00:00:00.001Z'],
  [999, '1970-01-01T00:00:00.999Z'],
  [1_000, '1970-01-01T00:00:01.000Z'],
  [951_782_399_050, '2000-02-28T23:59:59.050Z'],
  [4_102_444_800_000, '2100-01-01T00:00:00.000Z'],
])('%i ms are told as %s', (time, text) => {
  expect(iso(time)).toBe(text);
  expect(iso(time)).toBe(new Date(time).toISOString());
});

test('no time is none', () => {
  expect(iso(null)).toBeNull();
});

test('whatever order times come in, each is told as Date tells it', () => {
  const begin = Date.UTC(2026, 10, 28);
  for (let n = 0; n < 5_000; n++) {
    const time = begin + ((n * 7_919_999) % 3_000_000_000);
    expect(iso(time)).toBe(new Date(time).toISOString());
  }
});
