import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';

/**
 * Decorates by hand what TypeScript would: no build step for the bench.
 * @param {Function} type a controller
 * @param {Record<string, { decorators: Function[], parameters: Function[] }>} methods
 */
export function controller(type, classDecorator, methods) {
  for (const [name, { decorators, parameters }] of Object.entries(methods)) {
    parameters.forEach((decorator, index) => decorator(type.prototype, name, index));
    Reflect.decorate(decorators, type.prototype, name, Object.getOwnPropertyDescriptor(type.prototype, name));
  }
  Reflect.decorate([classDecorator], type);
  return type;
}

/** Starts a Nest application on Fastify with these controllers, on loopback. */
export async function serve(controllers, imports = []) {
  class Root {}
  Module({ controllers, imports })(Root);
  const app = await NestFactory.create(Root, new FastifyAdapter(), { logger: false });
  await app.listen(Number(process.env.PORT), '127.0.0.1');
}
