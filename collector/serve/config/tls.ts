/** exporter-toolkit's TLS settings, whose words are Go's, in those of Node and OpenSSL. */
import type { X509Certificate } from 'node:crypto';
import type { SecureContextOptions, SecureVersion, TLSSocket } from 'node:tls';
import type { TlsConfig } from './web.ts';

const VERSIONS: Readonly<Record<TlsConfig['min_version'], SecureVersion>> = {
  TLS10: 'TLSv1',
  TLS11: 'TLSv1.1',
  TLS12: 'TLSv1.2',
  TLS13: 'TLSv1.3',
};

/** Go's names, which are IANA's: as in the registry of TLS parameters. */
const CIPHERS: Readonly<Record<string, string>> = {
  TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: 'ECDHE-ECDSA-AES128-GCM-SHA256',
  TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384: 'ECDHE-ECDSA-AES256-GCM-SHA384',
  TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256: 'ECDHE-ECDSA-CHACHA20-POLY1305',
  TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA: 'ECDHE-ECDSA-AES128-SHA',
  TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA: 'ECDHE-ECDSA-AES256-SHA',
  TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256: 'ECDHE-RSA-AES128-GCM-SHA256',
  TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384: 'ECDHE-RSA-AES256-GCM-SHA384',
  TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256: 'ECDHE-RSA-CHACHA20-POLY1305',
  TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA: 'ECDHE-RSA-AES128-SHA',
  TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA: 'ECDHE-RSA-AES256-SHA',
  TLS_AES_128_GCM_SHA256: 'TLS_AES_128_GCM_SHA256',
  TLS_AES_256_GCM_SHA384: 'TLS_AES_256_GCM_SHA384',
  TLS_CHACHA20_POLY1305_SHA256: 'TLS_CHACHA20_POLY1305_SHA256',
};

const CURVES: Readonly<Record<string, string>> = {
  CurveP256: 'P-256',
  CurveP384: 'P-384',
  CurveP521: 'P-521',
  X25519: 'X25519',
};

/** @throws Error that names a cipher or curve that is not known */
export function contextOptions(tls: TlsConfig): SecureContextOptions {
  const ciphers = tls.cipher_suites.map((name) => translate(name, CIPHERS, 'cipher_suites'));
  const curves = tls.curve_preferences.map((name) => translate(name, CURVES, 'curve_preferences'));
  return {
    cert: tls.certificate,
    key: tls.privateKey,
    ...(tls.clientCa !== undefined && { ca: tls.clientCa }),
    minVersion: VERSIONS[tls.min_version],
    maxVersion: VERSIONS[tls.max_version],
    honorCipherOrder: tls.prefer_server_cipher_suites,
    ...(ciphers.length > 0 && { ciphers: ciphers.join(':') }),
    ...(curves.length > 0 && { ecdhCurve: curves.join(':') }),
  };
}

/** Whether the client may talk to us; Node itself refuses only what `RequireAndVerifyClientCert` must. */
export function isWelcome(socket: TLSSocket, tls: TlsConfig): boolean {
  const certificate = socket.getPeerX509Certificate();
  const type = tls.client_auth_type;
  if (!certificate) return !type.startsWith('Require');
  if (type.includes('Verify') && !socket.authorized) return false;
  return tls.client_allowed_sans.length === 0 || hasName(certificate, tls.client_allowed_sans);
}

const COMPARED = new Set(['DNS', 'IP Address', 'email', 'URI']);

/** Node prints `DNS:a, IP Address:10.0.0.1, URI:"x, y"`: a name with special characters is quoted as in JSON. */
function hasName({ subjectAltName = '' }: X509Certificate, allowed: readonly string[]): boolean {
  const names = subjectAltName.matchAll(/(?:, )?([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^,]*)/gy);
  for (const [, kind = '', text = ''] of names) {
    const name: unknown = text.startsWith('"') ? JSON.parse(text) : text;
    if (COMPARED.has(kind) && allowed.some((one) => one === name)) return true;
  }
  return false;
}

function translate(name: string, names: Readonly<Record<string, string>>, key: string): string {
  const translated = names[name];
  if (translated === undefined) {
    throw new Error(`${key}: ${name} is not known; known are ${Object.keys(names).join(', ')}`);
  }
  return translated;
}
