// The bare reference: the stack with the same durable statements and nothing else. STORE names which: `same-statements`,
// Oncelink's own, or `narrow`.
import {
  BadRequestException,
  Body,
  Controller,
  Get,
  GoneException,
  Headers,
  HttpCode,
  Post,
  UnauthorizedException,
} from '@nestjs/common';
import jwt from 'jsonwebtoken';
import { createSecretKey, randomBytes } from 'node:crypto';
import { controller, serve } from '../nest.mjs';
import { groupCommit } from './group-commit.mjs';

const LIFE = 600;
const { DATABASE_URL, STORE, API_KEY } = process.env;
const secret = createSecretKey(randomBytes(32));
const { openStore } = await import(`./${STORE}.mjs`);
const store = await openStore(DATABASE_URL);
const insert = groupCommit(store.insert);
const redeem = groupCommit(store.redeem);

class Links {
  ready() {
    return { status: 'ok' };
  }

  async mint(authorization, { purpose, recipient, subject }) {
    authenticate(authorization);
    const createdAt = Date.now();
    const id = createdAt.toString(36) + randomBytes(16).toString('base64url');
    const link = { id, purpose, subject, recipient, createdAt, expiresAt: createdAt + LIFE * 1000 };
    await insert(link);
    const token = jwt.sign({ sub: subject, jti: id, purpose }, secret, { algorithm: 'HS256', expiresIn: LIFE });
    return { ...link, token, url: `http://localhost/l/${token}` };
  }

  async redeem(authorization, { token }) {
    authenticate(authorization);
    const link = await redeem(verified(token).jti);
    if (!link) throw new GoneException();
    return { link };
  }
}

function verified(token) {
  try {
    return jwt.verify(token, secret, { algorithms: ['HS256'] });
  } catch {
    throw new BadRequestException();
  }
}

function authenticate(authorization) {
  if (authorization !== `Bearer ${API_KEY}`) throw new UnauthorizedException();
}

controller(Links, Controller(), {
  ready: { decorators: [Get('ready')], parameters: [] },
  mint: { decorators: [Post('links')], parameters: [Headers('authorization'), Body()] },
  redeem: { decorators: [Post('links/redeem'), HttpCode(200)], parameters: [Headers('authorization'), Body()] },
});
await serve([Links]);
