import { alertRules, alertTests } from './alert-rules.ts'
import { dashboardFiles } from './dashboards/all-dashboards.ts'
import { provisioningFiles } from './provisioning.ts'
import { scrapeConfiguration } from './scrape-configuration.ts'

/** What Prometheus and Grafana are given, by its path. */
export function monitoringFiles(): ReadonlyMap<string, string> {
  return new Map([
    ['deploy/prometheus/prometheus.yml', scrapeConfiguration()],
    ['deploy/prometheus/alerts.yml', alertRules()],
    ['deploy/prometheus/alerts.test.yml', alertTests()],
    ...provisioningFiles(),
    ...dashboardFiles(),
  ])
}
