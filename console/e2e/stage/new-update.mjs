/** Adds a property and its value to the update that is put together on the page. */
export async function addValue({ page, text, button }, property, value) {
  await button(text.newUpdate.addValue).click();
  const dialog = page.getByRole("dialog", { name: text.newUpdate.pick });
  await dialog.getByLabel(text.newUpdate.find, { exact: true }).fill(property);
  await page.keyboard.press("Enter");
  await dialog.waitFor({ state: "detached" });
  await page.getByLabel(property, { exact: true }).fill(value);
}

/** Has it tried out, and waits until it could be begun with so many devices. */
export async function dryRun({ page, text, button }, count) {
  const start = button(text.newUpdate.startButton);
  if (!(await start.isDisabled())) {
    throw new Error("an update can be started that nobody has tried out");
  }
  await page.getByText(text.newUpdate.needsDryRun).waitFor();
  await button(text.newUpdate.dryRunButton).click();
  await button(text.newUpdate.startCount(count)).waitFor();
}
