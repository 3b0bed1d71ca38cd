// Preloaded into a service: a request that bears `x-crash` brings it down while its token, key and cookie are in hand.
import { Server } from 'node:http';

const emit = Server.prototype.emit;
Server.prototype.emit = function (event, request, ...more) {
  const how = event === 'request' ? request.headers['x-crash'] : undefined;
  if (how === undefined) return emit.call(this, event, request, ...more);
  const { url, headers } = request;
  // As drivers do: what was asked hangs on the error, and its cause has it, too.
  const cause = Object.assign(new Error(`no row for ${url}`), { query: 'SELECT …', parameters: [url, headers] });
  const error = Object.assign(new Error(`cannot go on with ${headers.authorization}`, { cause }), {
    request: { url, headers },
  });
  if (how === 'rejection') void Promise.reject(error);
  else if (how === 'not-an-error') throw `${url} ${headers.authorization}`;
  else throw error;
  return true;
};
