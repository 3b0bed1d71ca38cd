import { connect, createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';

/** A network path that can break as networks do: what is under way vanishes, and neither end is told. */
export class Wire {
  private readonly sockets = new Set<Socket>();
  private server!: Server;
  private isCut = false;
  port = 0;

  static async to(port: number): Promise<Wire> {
    const wire = new Wire();
    wire.server = createServer((near) => wire.join(near, port));
    await new Promise<void>((resolve) => wire.server.listen(0, '127.0.0.1', resolve));
    wire.port = (wire.server.address() as AddressInfo).port;
    return wire;
  }

  /** From now on no byte arrives, and new connections get nowhere. */
  cut(): void {
    this.isCut = true;
    for (const socket of this.sockets) socket.unpipe().pause();
  }

  /** New connections work again; those that were open stay dead, as after a failover to another machine. */
  mend(): void {
    this.isCut = false;
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private join(near: Socket, port: number): void {
    const far = this.isCut ? undefined : connect(port, '127.0.0.1');
    for (const socket of far ? [near, far] : [near]) {
      this.sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => this.sockets.delete(socket));
    }
    if (!far) return void near.pause();
    near.pipe(far).pipe(near);
    near.on('close', () => far.destroy());
    far.on('close', () => !this.isCut && near.destroy());
  }
}
