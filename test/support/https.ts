import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request as forward, type IncomingMessage, type RequestListener } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

let made: { key: Buffer; cert: Buffer } | undefined;

/** A certificate that nobody vouches for, made once per test file; a test browser is told not to mind. */
function certificate(): { key: Buffer; cert: Buffer } {
  if (made) return made;
  const directory = mkdtempSync(join(tmpdir(), 'oncelink-tls-'));
  const [key, cert] = [join(directory, 'key.pem'), join(directory, 'cert.pem')];
  const options = [
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-days',
    '1',
    '-subj',
    '/CN=localhost',
  ];
  execFileSync('openssl', ['req', '-x509', ...options, '-keyout', key, '-out', cert], { stdio: 'ignore' });
  made = { key: readFileSync(key), cert: readFileSync(cert) };
  rmSync(directory, { recursive: true });
  return made;
}

export interface HttpsServer {
  readonly port: number;
  stop(): Promise<void>;
}

/** A site on https, on loopback. */
export async function serveHttps(handler: RequestListener, port = 0): Promise<HttpsServer> {
  const server = createServer(certificate(), handler);
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** The proxy in front of a service, where TLS ends. @param seen is told of every request */
export function endTls(
  port: number,
  target: () => number,
  seen: (request: IncomingMessage) => void,
): Promise<HttpsServer> {
  return serveHttps((request, response) => {
    seen(request);
    const headers = { ...request.headers, 'x-forwarded-for': '203.0.113.7', 'x-forwarded-proto': 'https' };
    const { method, url } = request;
    const inner = forward({ host: '127.0.0.1', port: target(), method, path: url, headers, agent: false }, (answer) => {
      response.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(response);
    });
    inner.on('error', () => response.destroy());
    request.pipe(inner);
  }, port);
}
