"""Which channel a medium, a source and a site stand for, as data: add a name here."""

PAID = "cpc ppc cpm cpv cpa paid paidsearch paid-search paid_search paidsocial paid-social"
PAID += " paid_social display banner ads ad retargeting affiliate sponsored"

# the media of tagged links that say the channel whatever the source, and those that say it
# where no name below does
MEDIUMS = {
    "paid": PAID,
    "e-mail": "email e-mail mail newsletter",
    "offline": "qr qrcode qr-code qr_code print offline poster flyer packaging tv radio",
}
LATER_MEDIUMS = {
    "messenger": "messenger chat sms mms rcs im",
    "social": "social social-network social_network social-media social_media sm organic-social"
    " organic_social",
    "search": "organic search organic-search organic_search",
    "other site": "referral link partner",
}

# the sites by channel: names as people write them into tags, and domains (subdomains count too)
NAMES = {
    "facebook": "facebook fb",
    "instagram": "instagram ig",
    "threads": "threads",
    "x": "x twitter",
    "tiktok": "tiktok",
    "youtube": "youtube yt",
    "reddit": "reddit",
    "linkedin": "linkedin",
    "pinterest": "pinterest",
    "snapchat": "snapchat",
    "bluesky": "bluesky bsky",
    "mastodon": "mastodon",
    "tumblr": "tumblr",
    "vk": "vk vkontakte",
    "weibo": "weibo",
    "hacker news": "hackernews hn",
    "whatsapp": "whatsapp wa",
    "telegram": "telegram tg",
    "messenger": "messenger signal viber wechat line kakaotalk slack discord teams sms",
    "e-mail": "email e-mail mail newsletter gmail outlook mailchimp",
    "search": "google bing duckduckgo yahoo baidu yandex ecosia",
    "offline": "qr qrcode poster flyer",
}
SITES = {
    "facebook": "facebook.com fb.com fb.me com.facebook.katana com.facebook.lite",
    "instagram": "instagram.com com.instagram.android",
    "threads": "threads.net threads.com com.instagram.barcelona",
    "x": "x.com twitter.com t.co com.twitter.android",
    "tiktok": "tiktok.com com.zhiliaoapp.musically",
    "youtube": "youtube.com youtu.be com.google.android.youtube",
    "reddit": "reddit.com redd.it com.reddit.frontpage",
    "linkedin": "linkedin.com lnkd.in com.linkedin.android",
    "pinterest": "pinterest.* pin.it com.pinterest",
    "snapchat": "snapchat.com com.snapchat.android",
    "bluesky": "bsky.app",
    "mastodon": "mastodon.social mastodon.online mstdn.social",
    "tumblr": "tumblr.com",
    "vk": "vk.com vk.ru",
    "weibo": "weibo.com weibo.cn t.cn",
    "hacker news": "news.ycombinator.com",
    "whatsapp": "whatsapp.com wa.me com.whatsapp",
    "telegram": "telegram.org telegram.me t.me org.telegram.messenger org.telegram.plus",
    "messenger": "messenger.com m.me com.facebook.orca discord.com discordapp.com slack.com"
    " com.slack teams.microsoft.com viber.com line.me wechat.com weixin.qq.com signal.org"
    " org.thoughtcrime.securesms",
    "e-mail": "mail.google.com com.google.android.gm outlook.live.com outlook.office.com"
    " outlook.office365.com mail.yahoo.com mail.yandex.* mail.aol.com mail.proton.me mail.ru"
    " gmx.net web.de mail.163.com mail.qq.com",
    "other site": "news.google.com docs.google.com drive.google.com sites.google.com"
    " classroom.google.com groups.google.com translate.google.com",
    "search": "google.* bing.com duckduckgo.com search.yahoo.com yahoo.co.jp ecosia.org"
    " qwant.com startpage.com search.brave.com yandex.* ya.ru baidu.com sogou.com naver.com"
    " seznam.cz search.aol.com ask.com com.google.android.googlequicksearchbox",
}

# agents that are no people: those that fetch a link to show or to scan it, and other programs.
# In-app browsers of people name their app as well ([FBAN/…, Instagram 10, Pinterest/iOS).
PREFETCHERS = (
    r"facebookexternalhit|facebookcatalog|facebot\b|meta-externalfetcher|^whatsapp/|telegrambot"
    r"|slackbot|slack-imgproxy|twitterbot|discordbot|linkedinbot|skypeuripreview|viber.*preview"
    r"|mastodon/|pleroma|misskey|cardyb|redditbot|pinterestbot|^pinterest/0|snap url preview"
    r"|vkshare|iframely|embedly|nuzzel|bitlybot|outbrain|flipboardproxy|quora link preview"
    r"|link ?preview|url ?preview|bingpreview|google-pagerenderer|google web preview"
    r"|googleimageproxy|yahoomailproxy|yahoo link preview|outlook-safelinks|safelinks|mimecast"
    r"|proofpoint|barracuda|messagelabs|symantec|fireeye|trendmicro|sophos|forcepoint"
    r"|prefetch|preconnect"
)
BOTS = (
    r"bot(?:[^a-z]|$)|bots?\b|crawl|spider|slurp|scrap[ey]|archiver|heritrix|mediapartners"
    r"|feedfetcher|feedburner|feedparser|facebookscraper|headless|phantomjs|puppeteer|playwright|selenium"
    r"|lighthouse|pagespeed|pingdom|uptime|statuscake|site24x7|monitor(?:ing)?[/ ;)]"
    r"|checker|validator|^curl|^wget|libwww|lwp-|^python|python-requests|aiohttp|httpx|urllib|^go-http|^java/"
    r"|^apache-httpclient|okhttp|node-fetch|axios/|^ruby|^perl|^php/|guzzle|winhttp|httrack"
    r"|nutch|nmap|nikto|masscan|zgrab|baiduspider|yandeximages|bytespider|ia_archiver|summify"
)
NO_BOTS = r"cubot"  # a maker of telephones
