import { createRequire } from 'node:module';
import { join } from 'node:path';

// What a test imports from '@jest/globals', which refuses to be loaded without Jest around it.
const { ModernFakeTimers } = createRequire(join(process.cwd(), 'package.json'))('@jest/fake-timers');

export const jest = new ModernFakeTimers({ global: globalThis, config: {} });
