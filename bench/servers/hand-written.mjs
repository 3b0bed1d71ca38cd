// Links as they are commonly written by hand: look the row up, check it, mark it, save it.
import { Body, Controller, Get, GoneException, HttpCode, Post } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import { randomUUID } from 'node:crypto';
import { DataSource, EntitySchema } from 'typeorm';
import { controller, serve } from './nest.mjs';

const LIFE = 600;
const { DATABASE_URL: url } = process.env;

const LinkEntity = new EntitySchema({
  name: 'Link',
  tableName: 'links',
  columns: {
    id: { type: 'varchar', primary: true },
    purpose: { type: 'varchar' },
    userId: { type: 'varchar' },
    email: { type: 'varchar' },
    used: { type: 'boolean', default: false },
    expiresAt: { type: url.startsWith('sqlite:') ? 'datetime' : 'timestamptz' },
  },
});
const dataSource = new DataSource({
  ...(url.startsWith('sqlite:')
    ? { type: 'sqlite', database: url.slice('sqlite:'.length) }
    : { type: 'postgres', url }),
  entities: [LinkEntity],
  synchronize: true,
});
await dataSource.initialize();
const links = dataSource.getRepository(LinkEntity);
const jwt = new JwtService({ secret: 'a-secret-of-the-bench-that-guards-nothing-0123456789' });

class Links {
  ready() {
    return { status: 'ok' };
  }

  async mint({ purpose, email, userId }) {
    const expiresAt = new Date(Date.now() + LIFE * 1000);
    const link = await links.save(links.create({ id: randomUUID(), purpose, email, userId, used: false, expiresAt }));
    return { ...link, token: await jwt.signAsync({ sub: userId, jti: link.id, purpose }, { expiresIn: LIFE }) };
  }

  async redeem({ token }) {
    const { jti } = await jwt.verifyAsync(token);
    const link = await links.findOneBy({ id: jti });
    if (!link || link.used || link.expiresAt < new Date()) throw new GoneException();
    link.used = true;
    await links.save(link);
    return { link };
  }
}

controller(Links, Controller(), {
  ready: { decorators: [Get('ready')], parameters: [] },
  mint: { decorators: [Post('links')], parameters: [Body()] },
  redeem: { decorators: [Post('links/redeem'), HttpCode(200)], parameters: [Body()] },
});
await serve([Links]);
