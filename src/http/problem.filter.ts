import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Refusal, Unavailable } from '../links/errors.js';
import type { Logger } from '../log.js';
import { Pages, isPageUrl } from './pages.js';
import { Problem, toDocument, toProblem, type ProblemCode, type Told } from './problems.js';
import { requestId } from './request-id.js';

/** What Fastify and Nest refuse before one of our handlers runs: status → code and what to do. */
const BY_STATUS: Readonly<Record<number, readonly [ProblemCode, string]>> = {
  400: ['request_invalid', 'The request could not be read.'],
  404: ['not_found', 'There is nothing at this address.'],
  405: ['method_not_allowed', 'See the Allow header for the methods of this address.'],
  413: ['payload_too_large', 'A body may have at most 64 KiB.'],
  414: ['request_invalid', 'The address is too long.'],
  415: ['unsupported_media_type', 'Send application/json.'],
  503: ['unavailable', 'The service is shutting down. Ask again.'],
};

/** Turns everything that was thrown into a problem document, or, for people, into a page. The one place that answers no. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(
    private readonly pages: Pages,
    private readonly logger: Logger,
    private readonly onProblem: (code: ProblemCode) => void,
  ) {}

  catch(exception: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    this.answer(exception, http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>());
  }

  answer(exception: unknown, request: FastifyRequest, reply: FastifyReply): void {
    const problem = problemOf(exception);
    this.onProblem(problem.code);
    // A refusal for want of room has no cause to be told, and there are many of them; the metrics count them.
    if (problem.status >= 500 && !(exception instanceof Unavailable && exception.cause === undefined))
      this.logger.error(
        { request: requestId(request), code: problem.code, error: problem.cause ?? exception },
        'request failed',
      );
    void reply.headers(problem.headers);
    if (isPageUrl(request.routeOptions.url ?? request.url)) {
      this.pages.sendProblem(request, reply, problem, (exception as { link?: never }).link).catch((error: unknown) => {
        this.logger.error({ request: requestId(request), error }, 'a page could not be shown');
        void reply.status(500).send();
      });
    } else {
      void reply
        .status(problem.status)
        .type('application/problem+json; charset=utf-8')
        .send(JSON.stringify(toDocument(problem, requestId(request))));
    }
  }
}

function problemOf(exception: unknown): Told {
  if (exception instanceof Problem) return exception;
  if (exception instanceof Refusal) return toProblem(exception);
  const status =
    exception instanceof HttpException
      ? exception.getStatus()
      : ((exception as { statusCode?: number }).statusCode ?? 500);
  const [code, detail] =
    BY_STATUS[status] ??
    (status < 500
      ? BY_STATUS[400]!
      : (['internal_error', 'This is a fault of the service; its log has more.'] as const));
  return new Problem(code, detail, {
    cause: exception,
    ...(status === 400 && { status: 400, errors: [] }),
    ...(status === 503 && { headers: { 'retry-after': '1' } }),
  });
}
