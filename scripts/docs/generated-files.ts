import { monitoringFiles } from '../monitoring/generated-files.ts'
import { cliPage } from './cli-page.ts'
import { configurationExample } from './configuration-example.ts'
import { configurationSchema } from './configuration-schema.ts'
import { errorsPage } from './errors-page.ts'
import { manPage } from './man-page.ts'
import { metricsPage } from './metrics-page.ts'

/** Everything in docs/, config/ and deploy/ that comes from the code, by its path. */
export async function generatedFiles(): Promise<ReadonlyMap<string, string>> {
  return new Map([
    ['docs/cli.md', await cliPage()],
    ['docs/metrics.md', metricsPage()],
    ['docs/errors.md', errorsPage()],
    ['config/service-node.schema.json', configurationSchema()],
    ['config/service-node.example.yml', configurationExample()],
    ['deploy/deb/starling.1', await manPage()],
    ...monitoringFiles(),
  ])
}
