export interface Point {
  readonly hours: number;
  readonly value: number;
}

/** By least squares; 0 for fewer than two points. */
export function slopePerHour(points: readonly Point[]): number {
  const mean = (of: (point: Point) => number): number =>
    points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const [hours, value] = [mean((point) => point.hours), mean((point) => point.value)];
  const covariance = points.reduce((sum, point) => sum + (point.hours - hours) * (point.value - value), 0);
  const variance = points.reduce((sum, point) => sum + (point.hours - hours) ** 2, 0);
  return variance === 0 ? 0 : covariance / variance;
}
