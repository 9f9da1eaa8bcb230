export const settings = {
  title: "服务器",
};
