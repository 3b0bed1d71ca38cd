import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request as forward, type IncomingMessage, type RequestListener } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

interface Certificate {
  readonly key: Buffer;
  readonly cert: Buffer;
}
let made: Certificate | undefined;

/** Made once per test file; a test browser is told not to mind. */
function certificate(): Certificate {
  return (made ??= selfSigned('DNS:localhost'));
}

/** A certificate for which nobody vouches but itself. @param names whom it names, as in `IP:127.0.0.1` */
export function selfSigned(names: string): Certificate {
  const directory = mkdtempSync(join(tmpdir(), 'oncelink-tls-'));
  const [key, cert] = [join(directory, 'key.pem'), join(directory, 'cert.pem')];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1'];
  const subject = ['-subj', '/CN=localhost', '-addext', `subjectAltName=${names}`];
  execFileSync('openssl', ['req', '-x509', ...curve, ...subject, '-keyout', key, '-out', cert], { stdio: 'ignore' });
  const pair = { key: readFileSync(key), cert: readFileSync(cert) };
  rmSync(directory, { recursive: true });
  return pair;
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
