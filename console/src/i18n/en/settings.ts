export const settings = {
  title: "Server",
};
