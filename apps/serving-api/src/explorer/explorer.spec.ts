import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { chromium } from 'playwright-core';
import { startTestApp } from '../testing/test-app.js';

const browser = ['/usr/bin', '/usr/local/bin', '/snap/bin'].flatMap((folder) => ['chromium', 'chromium-browser', 'google-chrome'].map((name) => join(folder, name))).find((path) => {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
});
const withBrowser = browser === undefined ? it.skip : it;

describe('the explorer in a browser', () => {
  withBrowser(`${browser === undefined ? '(no chromium here) ' : ''}loads without asking anyone else, and answers an example`, async () => {
    const app = await startTestApp();
    const chrome = await chromium.launch({ executablePath: browser!, args: ['--no-sandbox', '--disable-gpu'] });
    try {
      const page = await chrome.newPage();
      const asked: string[] = [];
      const wrong: string[] = [];
      page.on('request', (request) => asked.push(request.url()));
      page.on('requestfailed', (request) => wrong.push(`failed: ${request.url()}`));
      page.on('response', (response) => response.status() >= 400 && wrong.push(`${response.status()}: ${response.url()}`));
      page.on('pageerror', (error) => wrong.push(`threw: ${error.message}`));
      page.on('console', (message) => message.type() === 'error' && wrong.push(`logged: ${message.text()}`));
      await page.goto(app.url);
      await page.getByRole('button', { name: /Execute query/ }).click();
      await page.getByText('turnover7d').first().waitFor();
      await page.locator('.graphiql-response').getByText('MISSING').first().waitFor();
      const ours = (url: string): boolean => url.startsWith(`${app.url}/`) || url.startsWith('data:') || url.startsWith('blob:');
      expect(asked.filter((url) => !ours(url))).toEqual([]);
      expect(wrong).toEqual([]);
      expect(asked.filter((url) => url.endsWith('/graphql')).length).toBeGreaterThanOrEqual(2);
      expect(await page.locator('.graphiql-tab').allInnerTexts()).toEqual(['branchPage', 'fraudFeatures', 'userPage', 'status']);
    } finally {
      await chrome.close();
      await app.close();
    }
  });
});
