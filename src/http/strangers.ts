import { RateLimiterMemory, type RateLimiterRes } from 'rate-limiter-flexible';
import { RateLimited } from '../links/errors.js';
import { clientNetwork } from '../links/recipient.js';

/** Bad tokens and bad API keys that one address, or one /64 of IPv6, may present in a minute. */
const PER_MINUTE = 100;

/**
 * Counts the failures of strangers by client address, after the fact: whoever holds a good link or key is never
 * throttled, whatever others do from the same address. In memory, because it only protects this process.
 */
export class Strangers {
  private readonly limiter = new RateLimiterMemory({ points: PER_MINUTE, duration: 60 });

  /** @throws RateLimited when the address has failed too often */
  async count(address: string): Promise<void> {
    try {
      await this.limiter.consume(clientNetwork(address));
    } catch (result) {
      throw new RateLimited(Math.ceil((result as RateLimiterRes).msBeforeNext / 1000));
    }
  }
}
