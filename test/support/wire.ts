import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** A network path that can break as networks do. */
export class Wire {
  private readonly sockets = new Set<Socket>();
  private server!: Server;
  private isCut = false;
  port = 0;

  static async to(port: number, host = '127.0.0.1'): Promise<Wire> {
    const wire = new Wire();
    wire.server = createServer((near) => wire.join(near, port, host));
    await new Promise<void>((resolve) => wire.server.listen(0, '127.0.0.1', resolve));
    wire.port = (wire.server.address() as AddressInfo).port;
    return wire;
  }

  /** From now on no byte arrives, new connections get nowhere, and neither end is told. */
  cut(): void {
    this.isCut = true;
    for (const socket of this.sockets) socket.unpipe().pause();
  }

  /** New connections work again; those that were open stay dead, as after a failover to another machine. */
  mend(): void {
    this.isCut = false;
  }

  /** What is open ends at once, as both ends are told; new connections work. */
  reset(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  async stop(): Promise<void> {
    this.reset();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private join(near: Socket, port: number, host: string): void {
    const far = this.isCut ? undefined : connect(port, host);
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
