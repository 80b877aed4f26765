import { OPEN_WEB_CONFIG } from '../collector/serve/config/web.ts';
import { buildApp, type AppOptions } from '../collector/serve/http/app.ts';
import { createLogger } from '../collector/serve/log.ts';
import { createFakeEngine } from './fake-engine.ts';

const quiet = createLogger({ level: 'error', format: 'json', write: () => {} });

export function buildTestApp(options: Partial<AppOptions> = {}): ReturnType<typeof buildApp> {
  return buildApp({
    engine: createFakeEngine(),
    version: '1.2.3',
    logger: quiet,
    telemetryPath: '/metrics',
    maxRequests: 40,
    webConfig: () => OPEN_WEB_CONFIG,
    ...options,
  });
}
