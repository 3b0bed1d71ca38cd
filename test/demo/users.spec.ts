import sqlite3 from 'sqlite3';
import { Users } from '../../src/demo/users.js';

test("the demo's own database leaves sqlite3 as the service beside it needs it", async () => {
  const methods = () => [sqlite3.Database.prototype, sqlite3.Statement.prototype].map((each) => ({ ...each }));
  const before = methods();
  const users = await Users.open(':memory:');
  await users.close();
  expect(before[0]).toHaveProperty('prepare');
  expect(methods()).toEqual(before);
});
