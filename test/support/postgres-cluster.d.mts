import type { ChildProcess } from 'node:child_process';

export class PostgresCluster {
  readonly directory: string;
  readonly native: string;
  readonly data: string;
  constructor(initdb?: string[]);
  serve(settings: Record<string, string | number>, options?: { detached?: boolean }): ChildProcess;
  remove(): void;
}
