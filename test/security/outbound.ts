import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { createServer, type AddressInfo, type Socket } from 'node:net';

/**
 * Sees every connection that this process opens, the service's among them, and stands ready as the place where an
 * attacker would like it to call.
 */
export async function watchOutbound(...expectedPorts: number[]) {
  let hits = 0;
  const trap = createServer((socket) => {
    hits++;
    socket.destroy();
  });
  await new Promise<void>((resolve) => trap.listen(0, '127.0.0.1', resolve));
  const { port } = trap.address() as AddressInfo;
  const elsewhere: string[] = [];
  const onSocket = (message: unknown): void => {
    const { socket } = message as { socket: Socket };
    socket.once('connectionAttempt', (address: string, to: number) => {
      if (!expectedPorts.includes(to)) elsewhere.push(`${address}:${to}`);
    });
    socket.once('lookup', (_error, address: string, _family, host: string) => {
      if (host !== 'localhost') elsewhere.push(`${host} (${address})`);
    });
  };
  subscribe('net.client.socket', onSocket);
  return {
    /** where the attacker listens */
    url: `http://127.0.0.1:${port}`,
    /** connections that nobody asked for; must stay empty */
    seen: () => ({ hits, elsewhere }),
    stop: async () => {
      unsubscribe('net.client.socket', onSocket);
      await new Promise((resolve) => trap.close(resolve));
    },
  };
}
export const NOBODY = { hits: 0, elsewhere: [] };
