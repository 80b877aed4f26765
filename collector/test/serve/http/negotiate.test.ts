import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { acceptsGzip, chooseFormat } from '../../../serve/http/negotiate.ts';
import type { Format } from '../../../serve/metrics/formats.ts';

/** What Prometheus 2.42 and 3.5 send. */
const PROMETHEUS_2 =
  'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1';
const PROMETHEUS_3 =
  'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2';

const PROTOBUF = 'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited';

const formats: readonly [string | undefined, Format][] = [
  [undefined, 'text'],
  ['', 'text'],
  ['*/*', 'text'],
  ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', 'text'],
  ['text/plain', 'text'],
  ['application/json', 'text'],
  [PROMETHEUS_2, 'openmetrics'],
  [PROMETHEUS_3, 'openmetrics'],
  ['application/openmetrics-text', 'openmetrics'],
  ['Application/OpenMetrics-Text; Version="1.0.0"; charset=utf-8', 'openmetrics'],
  ['application/openmetrics-text;version=2.0.0,text/plain;q=0.1', 'text'],
  ['application/openmetrics-text;q=0.4,text/plain;version=0.0.4;q=0.5', 'text'],
  ['application/openmetrics-text;q=0.4,text/plain;version=1.0.0;q=0.5', 'openmetrics'],
  ['application/openmetrics-text;q=0.5,text/plain;q=0.5', 'openmetrics'],
  ['text/plain;q=0.5,application/openmetrics-text;q=0.5', 'text'],
  ['application/openmetrics-text;q=0', 'text'],
  ['application/openmetrics-text;q=high', 'text'],
  ['application/openmetrics-text;x="a,b;q=0";version=1.0.0', 'text'],
  ['text/html;x="a,text/plain;q=1", application/openmetrics-text;q=0.5', 'openmetrics'],
  [`application/openmetrics-text${',a/b'.repeat(4000)}`, 'text'],
  [`${PROTOBUF};q=0.9`, 'protobuf'],
  // What Prometheus 2.42, 2.53 and 3.16 send when they take native histograms.
  [`${PROTOBUF},application/openmetrics-text;version=1.0.0;q=0.8,text/plain;version=0.0.4;q=0.5,*/*;q=0.1`, 'protobuf'],
  [
    `${PROTOBUF};q=0.5,application/openmetrics-text;version=1.0.0;q=0.4,application/openmetrics-text;version=0.0.1;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1`,
    'protobuf',
  ],
  [`${PROTOBUF};escaping=allow-utf-8;q=0.7,${PROMETHEUS_3}`, 'protobuf'],
  [`${PROTOBUF};q=0.1,${PROMETHEUS_3}`, 'openmetrics'],
  [`${PROTOBUF};q=0`, 'text'],
  [`text/plain;q=0.5,${PROTOBUF};q=0.4`, 'text'],
  // Whoever does not name it has not asked for it.
  ['application/*', 'openmetrics'],
  ['application/vnd.google.protobuf', 'text'],
  ['application/vnd.google.protobuf;encoding=delimited', 'text'],
  ['application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily', 'text'],
  [PROTOBUF.replace('delimited', 'text'), 'text'],
  [PROTOBUF.replace('delimited', 'compact-text'), 'text'],
  [PROTOBUF.replace('MetricFamily', 'MetricFamilies'), 'text'],
  [PROTOBUF.replace('google', 'evil'), 'text'],
  [`${PROTOBUF};version=9;proto=x`, 'text'],
  // Hostile ones.
  [`x;a="${PROTOBUF}`, 'text'],
  [`${PROTOBUF};q=NaN`, 'text'],
  [`${PROTOBUF};q=high,;;;===,"`, 'text'],
  [`${';'.repeat(500)}${PROTOBUF}`, 'text'],
  [`${PROTOBUF}${',a/b'.repeat(400)}`, 'text'],
  [`\0${PROTOBUF}`, 'text'],
];

describe('the format', () => {
  for (const [accept, expected] of formats) {
    it(`for "${accept?.slice(0, 250)}" is ${expected}`, () => assert.equal(chooseFormat(accept), expected));
  }
});

const encodings: readonly [string | undefined, boolean][] = [
  [undefined, false],
  ['', false],
  ['gzip', true],
  ['GZIP', true],
  ['deflate, gzip;q=0.1', true],
  ['gzip;q=0', false],
  ['*', true],
  ['*;q=0', false],
  ['gzip;q=0, *', false],
  ['br, identity', false],
  ['gzip;q=high', false],
];

describe('gzip', () => {
  for (const [header, expected] of encodings) {
    it(`for "${header}": ${expected}`, () => assert.equal(acceptsGzip(header), expected));
  }
});
